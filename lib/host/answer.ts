/** The one place where an outcome becomes a status, and with it what the KafkaSource dispatcher does next. */
import type { ServerResponse } from "node:http";
import { asHeaderValue } from "../events/latin1.ts";
import { PermanentError, RetryableError } from "./error.ts";
import { sendTogether } from "./turn.ts";

export interface Failure {
  readonly status: number;
  readonly code: string;
  /** Goes to the caller and, for a permanent failure, into the dead letter as its reason. */
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

/** A bug says nothing about itself to the caller: it is logged. */
export function toFailure(error: unknown): Failure {
  if (error instanceof PermanentError || error instanceof RetryableError) {
    const { status, code, message } = error;
    const retryAfterMs = error instanceof RetryableError ? error.retryAfterMs : undefined;
    return { status, code, message, retryAfterMs };
  }
  return { status: 500, code: "internal_error", message: "internal error" };
}

/** 204 with no body: a Trigger takes any other body of a 2xx for a failure. */
export function answerDone(response: ServerResponse): void {
  response.writeHead(204);
  sendTogether(() => response.end());
}

export function answerFailure(response: ServerResponse, failure: Failure): void {
  const { status, code, message, retryAfterMs } = failure;
  const headers: Record<string, string> = { "content-type": "application/json" };
  // Only a-z0-9 after "kne-": a hyphen there stops the partition for good.
  if (status < 500 && status !== 429) headers["kne-reason"] = reason(code, message);
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(retryAfterMs / 1000));
  response.writeHead(status, headers).end(JSON.stringify({ error: { code, message } }));
}

/** One header line of at most 300 characters. */
const reason = (code: string, message: string): string =>
  asHeaderValue(`${code}: ${message}`.replace(/[\u0000-\u001f\u007f]+/g, " ").slice(0, 300));
