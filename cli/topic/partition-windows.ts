/** The reading of one partition's windows: what of a batch is wanted, and where to go on. */

export interface Window {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
  /** Records wanted at most. */
  readonly most?: number;
}

/** Reading through is quicker than a seek, which costs a round of fetches. */
const nearOffsets = 5_000;

export class PartitionWindows {
  readonly #windows: readonly Window[];
  #next = 0;
  #taken = 0;
  /** All before it was read or passed over. */
  #position: number;
  #isStarted = false;

  constructor(windows: readonly Window[]) {
    this.#windows = windows
      .filter(({ first, end }) => first < end)
      .toSorted((a, b) => a.first - b.first);
    this.#position = this.#windows[0]?.first ?? 0;
  }

  get isDone(): boolean {
    return this.#next >= this.#windows.length;
  }

  get position(): number {
    return this.#position;
  }

  /** The records that a window wants; `end` is the offset after the batch. */
  take<R extends { readonly offset: number }>(records: readonly R[], end: number): R[] {
    const wanted = records.filter(({ offset }) => offset >= this.#position && this.#wants(offset));
    this.#position = Math.max(this.#position, end);
    while (!this.isDone && (this.#current?.end ?? 0) <= this.#position) this.#leave();
    return wanted;
  }

  /** Where to seek to: the first window at the start, later the next one where it lies far ahead. */
  jump(): number | undefined {
    const first = this.#current?.first;
    if (first === undefined || (this.#isStarted && first <= this.#position + nearOffsets)) {
      return undefined;
    }
    this.#isStarted = true;
    this.#position = Math.max(this.#position, first);
    return this.#position;
  }

  get #current(): Window | undefined {
    return this.#windows[this.#next];
  }

  #leave(): void {
    this.#next++;
    this.#taken = 0;
  }

  /** One record may be what several windows wait for. */
  #wants(offset: number): boolean {
    let isWanted = false;
    for (let window = this.#current; window !== undefined; window = this.#current) {
      if (offset < window.first) break;
      if (offset >= window.end) {
        this.#leave();
        continue;
      }
      isWanted = true;
      if (++this.#taken < (window.most ?? Infinity)) break;
      this.#leave();
    }
    return isWanted;
  }
}
