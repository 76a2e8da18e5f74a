/** How many connections a user may open and hold, so that one client in a loop is not everybody's problem. */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

export interface AdmissionLimits {
  readonly maxPeersPerUser: number;
  readonly maxConnectionsPerMinute: number;
}

/** Answered 429, or closed with 4029. */
export class TooManyError extends Error {
  override readonly name = "TooManyError";
  readonly statusCode = 429;
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #newConnections: RateLimiterMemory;
  readonly #held = new Map<string, number>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#newConnections = new RateLimiterMemory({
      points: limits.maxConnectionsPerMinute,
      duration: 60,
    });
  }

  /** Throws TooManyError; else the place is held until it is given back. */
  async enter(userId: string): Promise<() => void> {
    try {
      await this.#newConnections.consume(userId);
    } catch (refusal) {
      const waitMs = refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 60_000;
      throw new TooManyError("too many new connections in a minute", waitMs);
    }
    const held = this.#held.get(userId) ?? 0;
    if (held >= this.#limits.maxPeersPerUser) throw new TooManyError("too many connections", 1_000);
    this.#held.set(userId, held + 1);
    return () => this.#leave(userId);
  }

  #leave(userId: string): void {
    const held = (this.#held.get(userId) ?? 1) - 1;
    if (held === 0) this.#held.delete(userId);
    else this.#held.set(userId, held);
  }
}
