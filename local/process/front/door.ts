/** How the runner's own parts reach a function: not by its front port, but with the same wait for a process and the same limits. */
import type { IncomingMessage } from "node:http";
import { CutOffError, exchange, type Answer } from "../../exchange.ts";
import { NoReplicaError, TIMEOUT_BODY, type Activator } from "./activator.ts";
import { startLimit, type TimeLimit } from "./time-limit.ts";
import { isRefused } from "./upstream.ts";

export interface Call {
  readonly method: "POST" | "GET";
  /** Of the front port: the function sees its host. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  readonly keptBodyBytes?: number | undefined;
  /** Breaks it off: for the caller, and here where a limit is reached. */
  readonly end: AbortController;
}

/** Resolves with what the front port would answer; rejects where it would end the connection. */
export type Door = (call: Call) => Promise<Answer>;

/** One for all: an error of each call's own would be made for nearly nobody, with a stack. */
const LATE = new NoReplicaError(504, TIMEOUT_BODY);

export const openDoor =
  (activator: Activator, limit?: TimeLimit): Door =>
  async (call) => {
    const { end } = call;
    using limited = limit && startLimit(limit, () => end.abort(LATE));
    try {
      return await passOn(call, activator, limited?.onHead);
    } catch (error) {
      if (end.signal.reason === LATE) return lateAnswer(error);
      if (end.signal.aborted || error instanceof CutOffError) throw error;
      if (error instanceof NoReplicaError) return plainAnswer(error.status, `${error.message}\n`);
      return plainAnswer(502, `the function did not answer: ${(error as Error).message}\n`);
    }
  };

async function passOn(
  call: Call,
  activator: Activator,
  onHead?: (answer: IncomingMessage) => void,
): Promise<Answer> {
  const { method, url, body, keptBodyBytes, end } = call;
  const path = `${url.pathname}${url.search}`;
  const sent = { host: "127.0.0.1", path, method, headers: framedHeaders(call), body };
  for (;;) {
    using lease = await activator.acquire(end.signal);
    const to = { port: lease.port, agent: lease.replica.agent };
    try {
      return await exchange({ ...sent, ...to, keptBodyBytes, signal: end.signal, onHead });
    } catch (error) {
      if (!isRefused(error as Error, lease)) throw error;
    }
  }
}

function framedHeaders({ method, url, headers, body }: Call): string[] {
  const list = ["Host", url.host];
  for (const [name, value] of Object.entries(headers)) list.push(name, value);
  if (body !== null || method !== "GET") list.push("Content-Length", String(body?.length ?? 0));
  return list;
}

/** An answer that has begun gets the sentence at its end, unless its length was said. */
function lateAnswer(error: unknown): Answer {
  if (!(error instanceof CutOffError)) return plainAnswer(LATE.status, TIMEOUT_BODY);
  const { begun } = error;
  if (begun.rawHeaders.some((name, at) => at % 2 === 0 && /^content-length$/i.test(name))) {
    throw error;
  }
  return { ...begun, body: Buffer.concat([begun.body, Buffer.from(TIMEOUT_BODY)]) };
}

const plainAnswer = (status: number, text: string): Answer => ({
  status,
  rawHeaders: ["Content-Type", "text/plain; charset=utf-8"],
  body: Buffer.from(text),
});
