/** The average of a metric over a window, in buckets of a second: Serving's pkg/autoscaler/aggregation. */
import type { Scale } from "./scale.ts";

const BUCKET_MS = 1_000;
/** Averages are rounded to so many digits, so that what is left of a sum of fractions is 0. */
const DIGITS = 1e6;
/** Weights of the exponential average: how much of 1 they sum up to, and how fast they fall at least. */
const WEIGHT_PRECISION = 0.9999;
const MIN_EXPONENT = 0.2;

const bucketOf = (at: number): number => Math.floor(at / BUCKET_MS);

/** Instants are milliseconds of one clock that only goes forward. */
export class WindowAverage {
  readonly #size: number;
  readonly #weighted: boolean;
  readonly #buckets = new Map<number, number>();
  #first = Number.NaN;
  #last = -Infinity;

  constructor(windowMs: number, aggregation: Scale["aggregation"] = "linear") {
    this.#size = Math.ceil(windowMs / BUCKET_MS);
    this.#weighted = aggregation === "weighted-exponential";
  }

  /** Adds to the second's bucket. After a whole window of silence the window begins anew. */
  record(at: number, value: number): void {
    const bucket = bucketOf(at);
    if (bucket - this.#last >= this.#size) {
      this.#buckets.clear();
      this.#first = bucket;
    }
    this.#last = Math.max(this.#last, bucket);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + value);
    for (const old of this.#buckets.keys()) {
      if (old <= this.#last - this.#size) this.#buckets.delete(old);
    }
  }

  /** Over the part of the window that has data; missing seconds between are 0. */
  average(now: number): number {
    const silent = Math.max(0, bucketOf(now) - this.#last);
    if (this.#weighted) return this.#weightedAverage(silent);
    if (silent >= this.#size) return 0;
    const oldest = this.#last + silent - this.#size;
    const sum = [...this.#buckets].reduce((all, [at, it]) => (at > oldest ? all + it : all), 0);
    const count = Math.min(this.#last - this.#first + 1, this.#size - silent);
    return Math.round((sum / count) * DIGITS) / DIGITS;
  }

  #weightedAverage(silent: number): number {
    if (silent > this.#size) return 0;
    const factor = Math.max(1 - (1 - WEIGHT_PRECISION) ** (1 / this.#size), MIN_EXPONENT);
    let sum = 0;
    for (let age = silent; age < this.#size; age += 1) {
      const value = this.#buckets.get(this.#last + silent - age) ?? 0;
      sum += value * factor * (1 - factor) ** age;
    }
    return sum;
  }
}
