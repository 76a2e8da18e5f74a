/** Leases the rows that are due for a sender: when woken, and by itself while the function is awake. */
import type { Logger } from "pino";
import type { Job } from "../ledger/job.ts";
import { type Clock, type Lease, newLease } from "../ledger/lease.ts";
import type { Sender } from "./sender.ts";

export interface PollerOptions {
  readonly sender: Sender;
  readonly leaseDue: (limit: number, lease: Lease) => Promise<readonly Job[]>;
  readonly nextDueMs: () => Promise<number | null>;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const minWaitMs = 20;
const maxWaitMs = 60_000;
/** After the database did not answer. */
const retryMs = 5_000;

export class Poller {
  readonly #options: PollerOptions;
  /** Nobody looked yet, or the last look did not see the end. */
  #mayBeDue = false;
  #isLeasing = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  #waiting: (() => void)[] = [];

  constructor(options: PollerOptions) {
    this.#options = options;
    options.sender.onChange((dueInMs) => {
      if (dueInMs === 0) this.#mayBeDue = true;
      else this.#schedule(dueInMs);
      this.#look();
    });
  }

  /** There are rows for somebody to lease. */
  poke(): void {
    this.#mayBeDue = true;
    this.#look();
  }

  /** Resolves when all that was due is sent, or cannot be sent now. */
  async wake(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.poke();
    });
  }

  /** Leases no more, and lets those go who wait. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#answer();
  }

  #look(): void {
    const { sender } = this.#options;
    if (this.#isStopped) return this.#answer();
    if (this.#isLeasing) return;
    if (this.#mayBeDue && sender.isHungry) return void this.#lease();
    if (this.#mayBeDue && sender.providerWaitMs > 0) this.#schedule(sender.providerWaitMs);
    if (sender.isIdle) this.#answer();
  }

  async #lease(): Promise<void> {
    const { sender, leaseDue, nextDueMs, leaseMs, clock, log } = this.#options;
    const { room } = sender;
    this.#isLeasing = true;
    this.#mayBeDue = false;
    try {
      const jobs = await leaseDue(room, newLease(leaseMs, clock));
      if (jobs.length === room) this.#mayBeDue = true;
      sender.offer(jobs);
      if (!this.#mayBeDue) this.#schedule(await nextDueMs());
    } catch (error) {
      log.warn({ err: error }, "due notifications could not be leased");
      this.#schedule(retryMs);
    } finally {
      this.#isLeasing = false;
      this.#look();
    }
  }

  /** The earliest time counts. While the function sleeps, a PingSource does this. */
  #schedule(dueInMs: number | null): void {
    if (dueInMs === null || this.#isStopped) return;
    const waitMs = Math.min(Math.max(dueInMs, minWaitMs), maxWaitMs);
    const atMs = this.#options.clock.steadyMs() + waitMs;
    if (atMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => {
      this.#timerAtMs = Infinity;
      this.poke();
    }, waitMs).unref();
  }

  #answer(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
