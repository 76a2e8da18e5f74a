/** How long to wait before the next attempt: exponential, with equal jitter. */

export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
  /** 0 to 1: Math.random, but for tests. */
  readonly random: () => number;
}

/** `failures` counts from 1. Between half and all of base × 2^(failures−1), so that replicas spread. */
export function backoffMs(failures: number, { baseMs, maxMs, random }: Backoff): number {
  const full = Math.min(baseMs * 2 ** Math.min(failures - 1, 30), maxMs);
  return Math.round(full / 2 + (full / 2) * random());
}
