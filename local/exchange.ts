/** One HTTP/1.1 request with its data at hand, and its answer read to the end. */
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { sendTogether } from "../lib/host/turn.ts";

export interface Exchange extends Omit<RequestOptions, "headers" | "signal"> {
  /**
   * By name: Host is added, and without data neither a length nor chunks are announced. Names and values in turn are
   * sent as they are, in Latin-1: Host and Content-Length must be among them.
   */
  readonly headers: Readonly<Record<string, string>> | readonly string[];
  readonly body: Buffer | null;
  /** Of the answer's body; more is read off the connection but not kept. Default: all. */
  readonly keptBodyBytes?: number | undefined;
  /** Breaks it off. */
  readonly signal: AbortSignal;
  /** The answer has begun. */
  readonly onHead?: ((answer: IncomingMessage) => void) | undefined;
}

export interface Answer {
  readonly status: number;
  /** Names and values in turn, in Latin-1. */
  readonly rawHeaders: readonly string[];
  /** The beginning of the body. */
  readonly body: Buffer;
}

/** The answer has begun, and its connection ended. */
export class CutOffError extends Error {
  override readonly name = "CutOffError";
  readonly begun: Answer;

  constructor(begun: Answer, cause: Error) {
    super(cause.message, { cause });
    this.begun = begun;
  }
}

/** Rejects with a CutOffError, with the signal's reason, or with why no answer began. */
export function exchange(given: Exchange): Promise<Answer> {
  const { headers, body, signal, onHead, keptBodyBytes: _, ...options } = given;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const outgoing = request({ ...options, headers }, (response) => {
      // From now on the answer tells how it ends.
      outgoing.off("error", reject).on("error", () => undefined);
      onHead?.(response);
      readAnswer(response, given, resolve, reject);
    });
    outgoing.on("error", reject);
    // Not by Node's own option, which costs half as much as the request.
    signal.addEventListener("abort", () => outgoing.destroy(signal.reason as Error));
    if (!Array.isArray(headers)) announce(outgoing, body);
    sendTogether(() => outgoing.end(body ?? undefined));
  });
}

function announce(outgoing: ClientRequest, body: Buffer | null): void {
  if (body !== null) {
    outgoing.setHeader("content-length", body.length);
    return;
  }
  outgoing.removeHeader("content-length");
  outgoing.removeHeader("transfer-encoding");
}

function readAnswer(
  response: IncomingMessage,
  { keptBodyBytes = Infinity, signal }: Exchange,
  resolve: (answer: Answer) => void,
  reject: (error: CutOffError) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const answer = () => ({
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    body: Buffer.concat(chunks),
  });
  response.on("data", (chunk: Buffer) => {
    if (length < keptBodyBytes) chunks.push(chunk);
    length += chunk.length;
  });
  response.once("end", () => resolve(answer()));
  response.on("error", (error) => {
    reject(new CutOffError(answer(), signal.aborted ? (signal.reason as Error) : error));
  });
}
