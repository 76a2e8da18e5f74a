/** A Broker for tests: a real HTTP server that stores the CloudEvents that it answers 202. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface StoredEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly partitionkey: string;
  readonly time: string;
  readonly traceparent?: string;
  readonly data: {
    readonly task_id: string;
    readonly user_id: string;
    readonly payload: Readonly<Record<string, unknown>> & {
      readonly occurrence_at: string;
      readonly occurrence_local: string;
      readonly time_zone: string;
    };
  };
}

/** `lost`: stored, but the answer does not arrive. A number: this status, not stored. */
export type Answer = "stored" | "lost" | number;

export interface RecordingBroker extends AsyncDisposable {
  readonly url: string;
  /** What is on the topic, in the order of its arrival; bytes as they came. */
  readonly stored: { readonly event: StoredEvent; readonly bytes: string }[];
  /** Called for each event before its answer; by default everything is stored. */
  answer: (event: StoredEvent) => Answer | Promise<Answer>;
  readonly contentTypes: Set<string | undefined>;
  /** The most requests that were open at once. */
  readonly mostOpen: () => number;
}

export async function startRecordingBroker(): Promise<RecordingBroker> {
  let open = 0;
  let mostOpen = 0;
  const server = createServer((request, response) => {
    mostOpen = Math.max(mostOpen, ++open);
    response.on("close", () => open--);
    void (async () => {
      const bytes = await textOf(request);
      const event = JSON.parse(bytes) as StoredEvent;
      broker.contentTypes.add(request.headers["content-type"]);
      const answer = await broker.answer(event);
      if (typeof answer === "number") return response.writeHead(answer).end();
      broker.stored.push({ event, bytes });
      if (answer === "lost") return request.socket.destroy();
      return response.writeHead(202).end();
    })();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const broker: RecordingBroker = {
    url: `http://127.0.0.1:${port}/default/task-events`,
    stored: [],
    answer: () => "stored",
    contentTypes: new Set(),
    mostOpen: () => mostOpen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return broker;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
