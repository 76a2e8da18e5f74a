/** Hands a request to a function and its answer back: headers as raw bytes, bodies as streams, nothing decoded. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { NoReplicaError, type Lease } from "./activator.ts";
import {
  answerHeaders,
  isRefused,
  openUpstream,
  requestHeaders,
  whenConnected,
} from "./upstream.ts";

export type Acquire = (signal: AbortSignal) => Promise<Lease>;

/** One for all: an error of each request's own would be made for nearly nobody, with a stack. */
const CLIENT_GONE = new Error("the request has ended");

/** Answers 502 where the function ends in the middle of a request, 503 and 504 where none takes it. */
export async function proxyRequest(
  req: IncomingMessage,
  res: ServerResponse,
  acquire: Acquire,
): Promise<void> {
  const gone = new AbortController();
  res.once("close", () => gone.abort(CLIENT_GONE));
  let lease: Lease;
  try {
    lease = await acquire(gone.signal);
  } catch (error) {
    if (error instanceof NoReplicaError) answerPlainly(req, res, error.status, error.message);
    return;
  }
  res.once("close", () => lease[Symbol.dispose]());
  if (gone.signal.aborted) {
    lease[Symbol.dispose]();
    return;
  }
  const upstream = openUpstream(req, lease, framedHeaders(req));
  res.once("close", () => upstream.destroy());
  upstream.once("response", (answer) => passAnswer(req, res, answer));
  upstream.on("error", (error) => {
    if (isRefused(error, lease)) {
      lease[Symbol.dispose]();
      void proxyRequest(req, res, acquire);
    } else if (res.headersSent) res.destroy();
    else answerPlainly(req, res, 502, `the function did not answer: ${error.message}`);
  });
  // Not before: what was read from the client could not be sent to another process.
  whenConnected(upstream, () => req.pipe(upstream));
}

function framedHeaders(req: IncomingMessage): string[] {
  const headers = requestHeaders(req);
  const framed = "content-length" in req.headers || "transfer-encoding" in req.headers;
  // Else Node would announce a chunked body where the client sent none.
  if (!framed && req.method !== "GET" && req.method !== "HEAD") headers.push("Content-Length", "0");
  return headers;
}

function passAnswer(req: IncomingMessage, res: ServerResponse, answer: IncomingMessage): void {
  const headers = answerHeaders(answer);
  try {
    res.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
  } catch (error) {
    answer.destroy();
    answerPlainly(req, res, 502, `the answer cannot be passed on: ${String(error)}`);
    return;
  }
  // An event stream's head is news before its first byte. (flushHeaders would send it as UTF-8.)
  res.write(Buffer.alloc(0));
  answer.once("error", () => res.destroy());
  answer.once("end", () => takeRest(req));
  answer.pipe(res);
}

/** A client that is still sending reads our answer only if somebody takes the rest. */
export function takeRest(req: IncomingMessage): void {
  req.unpipe();
  req.resume();
}

export function answerPlainly(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  text: string,
): void {
  if (res.destroyed || res.headersSent) return;
  res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  // With the newline of Go's http.Error.
  res.end(`${text}\n`);
  takeRest(req);
}
