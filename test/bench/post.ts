/** CloudEvents in binary mode, POSTed as the dispatcher does: a bounded number in flight, over connections that are kept. */
import { Agent, request } from "node:http";
import { sendTogether } from "../../lib/host/turn.ts";

export interface PostedEvent {
  readonly id: string;
  readonly type: string;
  readonly taskId: string;
  readonly data: object;
  /** By default that of its leaving. */
  readonly time?: Date;
}

export interface PostOptions extends Target {
  readonly events: readonly PostedEvent[];
  readonly inFlight: number;
}

export interface Target {
  readonly url: string;
  /** The status that means that it was taken. */
  readonly status: 202 | 204;
}

const eventSource = "/bench";

/** Resolves when all are taken, sent as fast as they are answered; rejects at the first that is not. */
export async function postEvents({ events, inFlight, ...target }: PostOptions): Promise<void> {
  using poster = openPoster(target);
  const queue = events.values();
  const work = async (): Promise<void> => {
    // Shared: each takes the next one.
    for (const event of queue) await poster.post(event);
  };
  await Promise.all(Array.from({ length: inFlight }, work));
}

export interface Poster extends Disposable {
  /** Resolves when it is taken. */
  post(event: PostedEvent): Promise<void>;
}

export function openPoster(target: Target): Poster {
  const agent = new Agent({ keepAlive: true });
  return {
    post: (event) => post(event, target, agent),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function post(event: PostedEvent, { url, status }: Target, agent: Agent): Promise<void> {
  const body = JSON.stringify(event.data);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "ce-specversion": "1.0",
    "ce-id": event.id,
    "ce-source": eventSource,
    "ce-type": event.type,
    "ce-subject": event.taskId,
    "ce-partitionkey": event.taskId,
    "ce-time": (event.time ?? new Date()).toISOString(),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => {
        if (response.statusCode === status) resolve();
        else reject(new Error(`${url} answered ${response.statusCode} to ${event.id}`));
      });
    });
    outgoing.once("error", reject);
    sendTogether(() => outgoing.end(body));
  });
}
