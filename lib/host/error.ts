/** The two errors a handler may throw on purpose; whatever else is thrown is a bug and is retried as one. */

/** What a failed delivery is called in answers, dead letters, logs and metrics: `[a-z_]+`. */
export type ErrorCode = string;

/** Retrying cannot help: answered 422 (or 400), so that the event reaches the dead letter topic at once. */
export class PermanentError extends Error {
  readonly code: ErrorCode;
  readonly status: 400 | 413 | 415 | 422;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; status?: 400 | 413 | 415 | 422 } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PermanentError";
    this.code = code;
    this.status = options.status ?? 422;
  }
}

/** A later attempt may work (a dependency is down): answered 503, or 429 where we are the ones overloaded. */
export class RetryableError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly status: 429 | 503;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number; status?: 429 | 503 } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RetryableError";
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status ?? 503;
  }
}

/** A person's mistake at start (a variable, a flag): printed as one sentence, exit code 2, no stack. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
