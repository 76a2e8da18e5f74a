/** The time limits of a revision, as Serving's pkg/http/handler/timeout.go keeps them. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { TIMEOUT_BODY } from "./activator.ts";
import { takeRest } from "./proxy.ts";

export interface TimeLimit {
  /** `timeoutSeconds`: of the whole request, an answer that has begun included. */
  timeoutMs: number;
  /** `responseStartTimeoutSeconds`: until an answer begins. */
  responseStartMs?: number;
  /** `idleTimeoutSeconds`: without a byte of the answer. */
  idleMs?: number;
}

export interface RunningLimit extends Disposable {
  /** The answer begins: each of its bytes is heard from now on. */
  readonly onHead: (answer: Readable) => void;
}

/** `end` may be called more than once. */
export function startLimit(limit: TimeLimit, end: () => void): RunningLimit {
  let hasBegun = false;
  const timers = [setTimeout(end, limit.timeoutMs)];
  if (limit.responseStartMs !== undefined) {
    timers.push(setTimeout(() => hasBegun || end(), limit.responseStartMs));
  }
  const idle = limit.idleMs === undefined ? undefined : setTimeout(end, limit.idleMs);
  return {
    onHead(answer) {
      hasBegun = true;
      if (idle === undefined) return;
      idle.refresh();
      answer.on("data", () => idle.refresh());
    },
    [Symbol.dispose]() {
      clearTimeout(idle);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

export function limitAnswer(req: IncomingMessage, res: ServerResponse, limit: TimeLimit): void {
  const { onHead, [Symbol.dispose]: stop } = startLimit(limit, () => endLate(req, res));
  // The proxy pipes the answer.
  res.once("pipe", onHead).once("close", stop);
}

/** An answer that has begun gets the sentence at its end, like there: only its length can tell that it is cut off. */
function endLate(req: IncomingMessage, res: ServerResponse): void {
  if (res.destroyed || res.writableEnded) return;
  if (!res.headersSent) res.writeHead(504, { "Content-Type": "text/plain; charset=utf-8" });
  else if (!res.chunkedEncoding) {
    res.destroy();
    return;
  }
  res.end(TIMEOUT_BODY);
  takeRest(req);
}
