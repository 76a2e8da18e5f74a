/** The autoscaler of one function: from its requests, second by second, to the number of its processes. */
import { type AutoscalerMemory, decide, NO_MEMORY, TICK_MS } from "./autoscaler.ts";
import { type Load, LoadMeter } from "./load-meter.ts";
import { ASLEEP, reconcile, type ScaleStatus } from "./scale-to-zero.ts";
import type { Scale } from "./scale.ts";
import { WindowAverage } from "./window-average.ts";

/** Between two reports of the activator, and two scrapes of a process. */
export const REPORT_MS = 1_000;

export interface Verdict {
  /** How many processes there shall be; undefined: as they are. */
  size: number | undefined;
  /** The load that says so. */
  average: number;
  inPanic: boolean;
}

/** Instants are milliseconds of one clock that only goes forward. */
export class PodAutoscaler {
  readonly #scale: Scale;
  readonly #meter = new LoadMeter();
  readonly #stable: WindowAverage;
  readonly #panic: WindowAverage;
  #memory: AutoscalerMemory = NO_MEMORY;
  #status: ScaleStatus = ASLEEP;
  #wanted = 0;
  #excessBurst = -1;
  #inPanic = false;
  #decidedAt = -Infinity;

  constructor(scale: Scale) {
    this.#scale = scale;
    this.#stable = new WindowAverage(scale.windowMs, scale.aggregation);
    this.#panic = new WindowAverage(scale.panicWindowMs, scale.aggregation);
  }

  /** Whether requests come by the activator: else each process has its own queue. */
  get isProxied(): boolean {
    return this.#status.proxiedSince !== undefined;
  }

  /** A request came. A verdict where it wakes the function. */
  enter(now: number, ready: number): Verdict | undefined {
    const first = this.#meter.enter(now);
    if (first === undefined) return undefined;
    this.#record(now, first);
    return this.#wanted === 0 ? this.#decide(now, ready) : undefined;
  }

  /** A request is answered, or its client went away. */
  leave(now: number): void {
    this.#meter.leave(now);
  }

  /** The regular look, each second. */
  look(now: number, ready: number): Verdict {
    const load = this.#meter.report(now);
    // An idle process is scraped too, unless the activator is always in the path.
    const isScraped = ready > 0 && this.#scale.burst >= 0;
    if (load !== undefined) this.#record(now, load);
    else if (isScraped) this.#record(now, { concurrency: 0, count: 0 });
    // Half a report of tolerance: timers are late by a little, now more, now less.
    return now - this.#decidedAt >= TICK_MS - REPORT_MS / 2
      ? this.#decide(now, ready)
      : this.#reconcile(now, ready);
  }

  #record(now: number, { concurrency, count }: Load): void {
    const value = this.#scale.metric === "rps" ? count : concurrency;
    this.#stable.record(now, value);
    this.#panic.record(now, value);
  }

  #decide(now: number, ready: number): Verdict {
    const seen = {
      now,
      ready,
      stable: this.#stable.average(now),
      panic: this.#panic.average(now),
    };
    const { wanted, inPanic, excessBurst, memory } = decide(this.#scale, seen, this.#memory);
    this.#memory = memory;
    this.#wanted = wanted;
    this.#inPanic = inPanic;
    this.#excessBurst = excessBurst;
    this.#decidedAt = now;
    return this.#reconcile(now, ready);
  }

  #reconcile(now: number, ready: number): Verdict {
    const wish = { now, wanted: this.#wanted, excessBurst: this.#excessBurst, ready };
    const { size, status } = reconcile(this.#scale, wish, this.#status);
    this.#status = status;
    const average = (this.#inPanic ? this.#panic : this.#stable).average(now);
    return { size, average, inPanic: this.#inPanic };
  }
}
