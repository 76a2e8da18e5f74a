/** A queue that serves its lanes in turn, so that a long one does not hold up the others. */
import { LRUCache } from "lru-cache";
import { Breaker, type BreakerOptions } from "./breaker.ts";
import type { Job } from "../ledger/job.ts";
import type { Slot } from "./slot.ts";

/** The messages to one domain, or to one phone number. */
export class Lane {
  readonly name: string;
  readonly breaker: Breaker;
  readonly jobs: Job[] = [];
  /** Of its messages under way. */
  readonly slots = new Set<Slot>();
  /** Its last message took long: the next ones go where they keep nobody waiting. */
  isSlow = false;

  constructor(name: string, breaker: BreakerOptions) {
    this.name = name;
    this.breaker = new Breaker(breaker);
  }

  /** Messages that keep others waiting, if this lane is slow. */
  get fastUnderWay(): number {
    let count = 0;
    for (const slot of this.slots) if (!slot.isSlow) count++;
    return count;
  }
}

/** Lanes whose behaviour is remembered. */
const maxLanes = 10_000;
/** Jobs of slow lanes together, for each message that may be under way. */
const slowPerSlot = 4;
/** So many where it is the only one of its lane. Both leave room for the others. */
const firstSlowPerSlot = 7;

export class LaneQueue {
  readonly #breaker: BreakerOptions;
  readonly #slots: number;
  readonly #known = new LRUCache<string, Lane>({ max: maxLanes });
  /** Those with jobs; the first is next. */
  readonly #waiting = new Map<string, Lane>();
  #size = 0;

  /** `slots`: messages that may be under way at once. */
  constructor(slots: number, breaker: BreakerOptions) {
    this.#slots = slots;
    this.#breaker = breaker;
  }

  get size(): number {
    return this.#size;
  }

  lane(name: string): Lane {
    const lane = this.#waiting.get(name) ?? this.#known.get(name) ?? new Lane(name, this.#breaker);
    this.#known.set(name, lane);
    return lane;
  }

  push(lane: Lane, job: Job): void {
    lane.jobs.push(job);
    this.#waiting.set(lane.name, lane);
    this.#size++;
  }

  /** The next job of the first lane that `mayStart`; its lane goes to the end. */
  take(mayStart: (lane: Lane) => boolean): { lane: Lane; job: Job } | undefined {
    for (const lane of this.#waiting.values()) {
      if (!mayStart(lane)) continue;
      const job = lane.jobs.shift();
      this.#waiting.delete(lane.name);
      if (job === undefined) continue;
      this.#size--;
      if (lane.jobs.length > 0) this.#waiting.set(lane.name, lane);
      return { lane, job };
    }
    return undefined;
  }

  /** The queue is everybody's: who is slow or silent must not fill it. */
  admits({ breaker, isSlow, jobs }: Lane): boolean {
    if (!breaker.isClosed) return breaker.waitMs === 0 && jobs.length === 0;
    if (!isSlow) return true;
    return this.#slowSize < this.#slots * (jobs.length === 0 ? firstSlowPerSlot : slowPerSlot);
  }

  /** Takes out what a lane that became slow has too much. */
  trim(lane: Lane): readonly Job[] {
    const excess = this.#slowSize - this.#slots * slowPerSlot;
    return excess > 0 ? this.clear(lane, Math.max(1, lane.jobs.length - excess)) : [];
  }

  get #slowSize(): number {
    let size = 0;
    for (const lane of this.#waiting.values()) if (lane.isSlow) size += lane.jobs.length;
    return size;
  }

  /** Takes out the jobs of a lane, but for the first `keep`. */
  clear(lane: Lane, keep = 0): readonly Job[] {
    const jobs = lane.jobs.splice(keep);
    this.#size -= jobs.length;
    if (lane.jobs.length === 0) this.#waiting.delete(lane.name);
    return jobs;
  }

  clearAll(): readonly Job[] {
    return [...this.#waiting.values()].flatMap((lane) => this.clear(lane));
  }
}
