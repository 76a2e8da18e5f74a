/** How many requests there were on average since the last report, and how many came: the activator's own statistics. */

export interface Load {
  /** Average of requests that wait or are being answered. */
  concurrency: number;
  /** Requests that came. */
  count: number;
}

/** Instants are milliseconds. */
export class LoadMeter {
  #open = 0;
  #came = 0;
  #busy = 0;
  #since = 0;
  #changedAt = 0;
  /** A request after a silent second is reported at once, and not once more at the second's end. */
  #silent = true;
  #told = 0;

  /** The report of a first request, which wakes a function without waiting for the second's end. */
  enter(at: number): Load | undefined {
    const first = this.#silent;
    if (first) {
      this.#silent = false;
      this.#told = 1;
      this.#restart(at);
    }
    this.#advance(at);
    this.#open += 1;
    this.#came += 1;
    return first ? { concurrency: 1, count: 1 } : undefined;
  }

  leave(at: number): void {
    this.#advance(at);
    this.#open -= 1;
  }

  /** Undefined where there was nothing since the last one. */
  report(at: number): Load | undefined {
    if (this.#silent) return undefined;
    this.#advance(at);
    const seconds = at - this.#since;
    const concurrency = seconds > 0 ? this.#busy / seconds : 0;
    const load = {
      concurrency: Math.max(0, concurrency - this.#told),
      count: this.#came - this.#told,
    };
    this.#told = 0;
    // Requests of no duration count as none: Serving forgets the revision's statistics then.
    this.#silent = concurrency === 0 && this.#open === 0;
    this.#restart(at);
    return load;
  }

  #advance(at: number): void {
    if (at <= this.#changedAt) return;
    this.#busy += this.#open * (at - this.#changedAt);
    this.#changedAt = at;
  }

  #restart(at: number): void {
    this.#busy = 0;
    this.#came = 0;
    this.#since = at;
    this.#changedAt = at;
  }
}
