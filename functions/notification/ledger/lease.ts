/** A lease on a ledger row, and whether this process may still count on it. */
import { randomUUID } from "node:crypto";

/** Neither alone is enough: the wall clock may be set back, the steady one stands still while a machine sleeps. */
export interface Clock {
  readonly wallMs: () => number;
  readonly steadyMs: () => number;
}

export const systemClock: Clock = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

export interface Lease {
  /** Stored in the row: who has it. */
  readonly token: string;
  readonly ms: number;
  /** Taken before the database is asked, so that it never ends later here than there. */
  readonly wallMs: number;
  readonly steadyMs: number;
}

export const newLease = (ms: number, clock: Clock): Lease => ({
  token: randomUUID(),
  ms,
  wallMs: clock.wallMs(),
  steadyMs: clock.steadyMs(),
});

export function remainingMs(lease: Lease, clock: Clock): number {
  const age = Math.max(clock.wallMs() - lease.wallMs, clock.steadyMs() - lease.steadyMs);
  return lease.ms - age;
}
