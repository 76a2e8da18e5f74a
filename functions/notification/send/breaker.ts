/** A circuit breaker: after failures in a row nobody is sent there for a while, then one message tries. */
import { type Backoff, backoffMs } from "./backoff.ts";

export interface BreakerOptions extends Backoff {
  /** Failures in a row that open it. */
  readonly threshold: number;
  readonly nowMs: () => number;
}

export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #openings = 0;
  #openUntilMs = 0;
  #isProbing = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#openings === 0;
  }

  /** Until a message may try: 0 where one may now. */
  get waitMs(): number {
    if (this.isClosed) return 0;
    const left = Math.max(0, this.#openUntilMs - this.#options.nowMs());
    // While one message tries, the others wait for what it finds out.
    return this.#isProbing ? Math.max(left, this.#options.baseMs) : left;
  }

  /** To be called when a message is started, after `waitMs` was 0. */
  started(): void {
    if (!this.isClosed) this.#isProbing = true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openings = 0;
    this.#isProbing = false;
  }

  /** The message said nothing about the other side (its lease was lost). */
  abandoned(): void {
    this.#isProbing = false;
  }

  failed(retryAfterMs?: number): void {
    const wasProbing = this.#isProbing;
    this.#isProbing = false;
    this.#failures++;
    const isOpening = this.isClosed
      ? this.#failures >= this.#options.threshold || retryAfterMs !== undefined
      : wasProbing;
    if (!isOpening) return;
    this.#openings++;
    const waitMs = retryAfterMs ?? backoffMs(this.#openings, this.#options);
    this.#openUntilMs = this.#options.nowMs() + waitMs;
  }
}
