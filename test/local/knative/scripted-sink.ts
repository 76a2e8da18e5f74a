/** An HTTP server that answers as a recording's script says and writes down what it was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Script, ScriptedAnswer } from "./recording.ts";

export interface ReceivedRequest {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** When the client gave up waiting for the answer. */
  closedByDispatcherAtMs: number | undefined;
}

export interface ScriptedSink extends AsyncDisposable {
  readonly url: string;
  readonly received: ReceivedRequest[];
  readonly maxInFlight: () => number;
}

/** `recordOf` tells which of the case's records a request is for. */
export async function startScriptedSink(
  script: Script,
  recordOf: (headers: IncomingMessage["headers"]) => number = () => 0,
): Promise<ScriptedSink> {
  const received: ReceivedRequest[] = [];
  const counts = new Map<number, number>();
  let inFlight = 0;
  let maxInFlight = 0;
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    const chunks: Buffer[] = [];
    const atMs = performance.now();
    let seen: ReceivedRequest | undefined;
    maxInFlight = Math.max(maxInFlight, ++inFlight);
    response.once("close", () => {
      inFlight--;
      if (seen && !response.writableFinished) seen.closedByDispatcherAtMs = performance.now();
    });
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      seen = { atMs, method, path: url, headers, body, closedByDispatcherAtMs: undefined };
      received.push(seen);
      if (url !== "/") return answer(response, { status: 204 }, port());
      const record = recordOf(headers);
      const count = counts.get(record) ?? 0;
      counts.set(record, count + 1);
      return answer(response, scripted(script, record, count), port());
    });
  });
  const port = () => (server.address() as AddressInfo).port;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${port()}/`;
  if (script === "refused") await new Promise((resolve) => server.close(resolve));
  return {
    url,
    received,
    maxInFlight: () => maxInFlight,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function scripted(script: Script, record: number, count: number): ScriptedAnswer {
  if (typeof script === "string") return { hang: true };
  const own = script.filter((entry) => (entry.record ?? record) === record);
  return own[Math.min(count, own.length - 1)] ?? { status: 204 };
}

function answer(response: ServerResponse, given: ScriptedAnswer, port: number): void {
  if (given.hang) return;
  const respond = () => {
    for (const [name, value] of Object.entries(given.headers ?? {})) {
      const local = name === "location" ? `http://127.0.0.1:${port}/moved` : value;
      response.setHeader(name, Buffer.from(local, "utf8").toString("latin1"));
    }
    response.writeHead(given.status ?? 204).end(given.body);
  };
  if (given.delayMs === undefined) respond();
  else setTimeout(respond, given.delayMs);
}
