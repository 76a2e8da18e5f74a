/** Sends leased rows, one channel: bounded, fair between lanes, and sparing who does not answer. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Tracer } from "../../../lib/host/span.ts";
import { attempt, type Attempted, namesOf, settlementOf } from "./attempt.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import { Breaker } from "./breaker.ts";
import type { Channel } from "../channel/channel.ts";
import type { Job, Settlement } from "../ledger/job.ts";
import { type Lane, LaneQueue } from "./lane-queue.ts";
import { type Clock, remainingMs } from "../ledger/lease.ts";
import { addressOf } from "../recipient.ts";
import type { Settler } from "../ledger/settler.ts";
import { type Slot, Slots } from "./slot.ts";

export type SendOutcome = "sent" | "retry" | "failed" | "suppressed" | "deferred" | "lease_lost";

export interface SenderOptions {
  readonly channel: Channel;
  readonly settler: Settler;
  /** Sends at once; as many slow ones beside them. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Of the attempts of one message. */
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
  /** How long a provider, a domain or a number that does not answer is left alone. */
  readonly spare: { readonly baseMs: number; readonly maxMs: number };
  /** A send that takes longer is slow. */
  readonly slowMs: number;
  readonly log: Logger;
  readonly tracer: Tracer;
  readonly count: (outcome: SendOutcome) => void;
}

/** Rows leased ahead for each one that is being sent: enough to cover a round trip to the database. */
const queuedPerSlot = 10;
/** What just came is leased by the INSERT that records it: an UPDATE less, and it need not wait for a backlog. */
const newPerSlot = 50;
/** Free places a slot at which due rows are leased: not for each single one. */
const leasedPerSlot = 2;
/** How long what is queued may still be started when the function is told to stop. */
const drainMs = 5_000;
/** Failures in a row after which somebody is left alone. */
const threshold = 3;

/** `dueInMs`: until a row that was written down may be leased again, null where none may. */
export type ChangeListener = (dueInMs: number | null) => void;

export class Sender {
  readonly #options: SenderOptions;
  readonly #retry: Backoff;
  readonly #queue: LaneQueue;
  readonly #slots: Slots;
  readonly #provider: Breaker;
  readonly #listeners: ChangeListener[] = [];
  /** The lane of the last message without an answer: where different ones get none, the provider is down. */
  #silentLane: string | undefined;

  constructor(options: SenderOptions) {
    const { random, clock, retry, spare } = options;
    const breaker = { ...spare, threshold, random, nowMs: clock.steadyMs };
    this.#options = options;
    this.#retry = { ...retry, random };
    this.#provider = new Breaker(breaker);
    this.#queue = new LaneQueue(options.concurrency, breaker);
    this.#slots = new Slots(options.concurrency);
  }

  get inFlight(): number {
    return this.#slots.used;
  }

  /** Until the provider may be tried again, where it did not answer. */
  get providerWaitMs(): number {
    return this.#provider.waitMs;
  }

  /** How many due rows it is worth to lease now. */
  get room(): number {
    return this.#roomOf(this.#options.concurrency * queuedPerSlot);
  }

  /** How many rows it is worth to lease as they are written. */
  get roomForNew(): number {
    return this.#roomOf(this.#options.concurrency * newPerSlot);
  }

  /** True where it is time to lease. */
  get isHungry(): boolean {
    return this.room >= (this.#provider.isClosed ? this.#options.concurrency * leasedPerSlot : 1);
  }

  #roomOf(limit: number): number {
    if (this.#options.settler.isDown || this.#provider.waitMs > 0) return 0;
    return Math.max(0, (this.#provider.isClosed ? limit : 1) - this.#queue.size);
  }

  get isIdle(): boolean {
    return this.#queue.size + this.#slots.used + this.#options.settler.pending === 0;
  }

  /** Calls `listener` whenever a message left, or something was written down. */
  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /** Takes over rows that this process has leased. */
  offer(jobs: readonly Job[]): void {
    // It went down since they were leased.
    if (this.#provider.waitMs > 0) return this.#giveBack(jobs);
    for (const job of jobs) {
      const lane = this.#queue.lane(this.#laneOf(job));
      if (this.#queue.admits(lane)) this.#queue.push(lane, job);
      else this.#defer(lane, [job]);
    }
    this.#pump();
  }

  /** Finishes what was started, within a limit what is queued, and gives back the rest. */
  async drain(): Promise<void> {
    const { channel, settler } = this.#options;
    await Promise.race([this.#untilIdle(), delay(drainMs, undefined, { ref: false })]);
    this.#giveBack(this.#queue.clearAll());
    // No attempt takes longer than this; then only the database can be what is waited for.
    const limitMs = settler.isDown ? drainMs : channel.attemptMs + drainMs;
    await Promise.race([this.#untilIdle(), delay(limitMs, undefined, { ref: false })]);
    settler.giveUp();
    await channel[Symbol.asyncDispose]();
  }

  #untilIdle(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.isIdle) resolve();
      };
      this.onChange(check);
      check();
    });
  }

  #laneOf(job: Job): string {
    const { channel } = this.#options;
    return channel.laneOf(addressOf(job.recipient, channel.name) ?? "");
  }

  #pump(): void {
    const { settler, clock, channel, concurrency } = this.#options;
    // What was answered and not written down yet would be sent again by another process.
    const mayStart = () => !settler.isDown && settler.pending < concurrency;
    while (mayStart() && this.#provider.waitMs === 0) {
      const next = this.#queue.take(
        ({ breaker, isSlow, fastUnderWay }) =>
          breaker.waitMs === 0 && this.#slots.isFree(isSlow, fastUnderWay),
      );
      if (next === undefined) return;
      // It waited here for too long: the attempt might outlast the lease.
      if (remainingMs(next.job.lease, clock) < channel.attemptMs) this.#giveBack([next.job]);
      else void this.#send(next.lane, next.job);
    }
  }

  async #send(lane: Lane, job: Job): Promise<void> {
    const { slowMs, clock } = this.#options;
    const slot = this.#slots.take(lane.isSlow);
    lane.slots.add(slot);
    this.#provider.started();
    lane.breaker.started();
    const startedAtMs = clock.steadyMs();
    const timer = setTimeout(() => this.#becomeSlow(lane, slot), slowMs);
    const attempted = await attempt(job, { ...this.#options, retry: this.#retry });
    clearTimeout(timer);
    lane.isSlow = clock.steadyMs() - startedAtMs > slowMs;
    this.#slots.release(slot);
    lane.slots.delete(slot);
    this.#learn(lane, attempted);
    if (attempted.settlement === undefined) this.#options.count("lease_lost");
    else this.#settle(job, attempted.settlement);
    this.#changed();
  }

  #becomeSlow(lane: Lane, slot: Slot): void {
    lane.isSlow = true;
    this.#slots.moveAside(slot);
    this.#defer(lane, this.#queue.trim(lane));
    this.#changed();
  }

  /** Whose fault it was decides who is spared. */
  #learn(lane: Lane, { failure, retryAfterMs, settlement }: Attempted): void {
    if (failure === "unavailable") {
      this.#provider.failed(retryAfterMs);
      lane.breaker.abandoned();
    } else if (failure === "silent") {
      lane.breaker.failed();
      if (this.#silentLane === lane.name) this.#provider.abandoned();
      else this.#provider.failed();
      this.#silentLane = lane.name;
      if (!lane.breaker.isClosed) this.#defer(lane, this.#queue.clear(lane));
    } else if (failure === "lease_lost" || settlement?.state === "suppressed") {
      this.#provider.abandoned();
      lane.breaker.abandoned();
    } else {
      this.#provider.succeeded();
      lane.breaker.succeeded();
      this.#silentLane = undefined;
    }
    if (!this.#provider.isClosed) this.#giveBack(this.#queue.clearAll());
  }

  /** Not tried, because others of the lane are slow or got no answer: no attempt is spent. */
  #defer(lane: Lane, jobs: readonly Job[]): void {
    const isSilent = !lane.breaker.isClosed;
    const reason = isSilent ? `no answer for ${lane.name}` : null;
    for (const job of jobs) {
      const isOver = isSilent && job.isLast;
      const delayMs = isOver ? 0 : lane.breaker.waitMs + backoffMs(2, this.#retry);
      const state = isOver ? "failed" : "pending";
      this.#settle(job, settlementOf(job, state, reason, 0, delayMs), "deferred");
    }
  }

  #giveBack(jobs: readonly Job[]): void {
    for (const job of jobs) {
      void this.#write(job, settlementOf(job, "pending", null, 0, 0));
    }
  }

  #settle(job: Job, settlement: Settlement, outcome?: SendOutcome): void {
    const { state } = settlement;
    this.#options.count(state === "pending" ? (outcome ?? "retry") : state);
    void this.#write(job, settlement);
  }

  async #write(job: Job, settlement: Settlement): Promise<void> {
    const { settler, log } = this.#options;
    const isWritten = await settler.settle(settlement);
    if (!isWritten && settlement.tries > 0) {
      log.warn(namesOf(job), "the lease ended before the attempt was written down");
    }
    this.#changed(settlement.state === "pending" ? settlement.delayMs : null);
  }

  #changed(dueInMs: number | null = null): void {
    this.#pump();
    for (const listener of this.#listeners) listener(dueInMs);
  }
}
