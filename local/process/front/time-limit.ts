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

export function limitAnswer(req: IncomingMessage, res: ServerResponse, limit: TimeLimit): void {
  const end = () => endLate(req, res);
  const timers = [setTimeout(end, limit.timeoutMs)];
  if (limit.responseStartMs !== undefined) {
    timers.push(setTimeout(() => res.headersSent || end(), limit.responseStartMs));
  }
  if (limit.idleMs !== undefined) {
    const idle = setTimeout(end, limit.idleMs);
    // The answer's first byte, then each: the proxy pipes it.
    res.once("pipe", (answer: Readable) => {
      idle.refresh();
      answer.on("data", () => idle.refresh());
    });
    timers.push(idle);
  }
  res.once("close", () => timers.forEach((timer) => clearTimeout(timer)));
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
