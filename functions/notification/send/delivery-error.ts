/** Why a provider did not take a message, and with it whom to spare next. */

/**
 * - `permanent`: this message, for good (a wrong address, refused content).
 * - `temporary`: this message, now.
 * - `silent`: no answer in time. The recipient's domain, or number, is spared if it happens again.
 * - `unavailable`: the provider itself cannot be reached, or takes nobody's messages. All are spared.
 * - `lease_lost`: nothing was sent, because the row may be another replica's by now.
 */
export type DeliveryFailure = "permanent" | "temporary" | "silent" | "unavailable" | "lease_lost";

export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  readonly failure: DeliveryFailure;
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: DeliveryFailure,
    reason: string,
    options: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(oneLine(reason), options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = failure;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The reason is stored and shown: one line of at most 300 characters that PostgreSQL can hold. */
const oneLine = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f]+/g, " ")
    .trim()
    .slice(0, 300);
