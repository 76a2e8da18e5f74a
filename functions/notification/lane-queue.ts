/** A queue that serves its lanes in turn, so that a long one does not hold up the others. */
import { LRUCache } from "lru-cache";
import { Breaker, type BreakerOptions } from "./breaker.ts";
import type { Job } from "./job.ts";

/** The messages to one domain, or to one phone number. */
export class Lane {
  readonly name: string;
  readonly breaker: Breaker;
  readonly jobs: Job[] = [];
  /** Its last message took long: the next ones go where they keep nobody waiting. */
  isSlow = false;

  constructor(name: string, breaker: BreakerOptions) {
    this.name = name;
    this.breaker = new Breaker(breaker);
  }
}

/** Lanes whose behaviour is remembered. */
const maxLanes = 10_000;

export class LaneQueue {
  readonly #breaker: BreakerOptions;
  readonly #known = new LRUCache<string, Lane>({ max: maxLanes });
  /** Those with jobs; the first is next. */
  readonly #waiting = new Map<string, Lane>();
  #size = 0;

  constructor(breaker: BreakerOptions) {
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

  /** Takes out all jobs of a lane. */
  clear(lane: Lane): readonly Job[] {
    this.#waiting.delete(lane.name);
    this.#size -= lane.jobs.length;
    return lane.jobs.splice(0);
  }

  clearAll(): readonly Job[] {
    return [...this.#waiting.values()].flatMap((lane) => this.clear(lane));
  }
}
