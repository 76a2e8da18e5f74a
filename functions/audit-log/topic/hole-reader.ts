/** The reading of one partition's holes: what is still wanted, what was read, what the log passed over. */
import { holesIn, type OffsetRange, toRanges } from "../coverage/offset-range.ts";

/** Reading through is quicker than a seek, which costs a round of fetches. */
const nearOffsets = 5_000;

export class HoleReader {
  readonly #holes: readonly OffsetRange[];
  /** Index of the first hole that is not behind the position. */
  #next = 0;
  /** All before it was read or passed over. */
  #position: number;
  #isStarted = false;
  readonly #passedOver: OffsetRange[] = [];

  constructor(holes: readonly OffsetRange[]) {
    this.#holes = holes;
    this.#position = holes[0]?.first ?? 0;
  }

  wants(offset: number): boolean {
    if (offset < this.#position) return false;
    for (const { first, end } of this.#holes.slice(this.#next)) {
      if (offset < end) return offset >= first;
    }
    return false;
  }

  /** The log was read up to `end`, exclusive, and these of the wanted offsets had a record. */
  passTo(end: number, read: readonly number[]): void {
    if (end <= this.#position) return;
    const records = toRanges(read);
    for (const hole of this.#holes.slice(this.#next)) {
      if (hole.first >= end) break;
      for (const part of clip(hole, this.#position, end)) {
        this.#passedOver.push(...holesIn(records, part.first, part.end));
      }
    }
    this.#position = end;
    while (this.#next < this.#holes.length && this.#nextEnd() <= end) this.#next++;
  }

  isDone(): boolean {
    return this.#next >= this.#holes.length;
  }

  /** Where to seek to: the first hole at the start, later the next one where it lies far ahead. */
  jump(): number | undefined {
    const next = this.#holes[this.#next];
    if (next === undefined) return undefined;
    const isFar = next.first > this.#position + nearOffsets;
    if (this.#isStarted && !isFar) return undefined;
    this.#isStarted = true;
    this.#position = Math.max(this.#position, next.first);
    return this.#position;
  }

  passedOver(): readonly OffsetRange[] {
    return this.#passedOver;
  }

  unread(): OffsetRange[] {
    return this.#holes
      .slice(this.#next)
      .flatMap((hole) => clip(hole, this.#position, Number.MAX_SAFE_INTEGER));
  }

  #nextEnd(): number {
    return this.#holes[this.#next]?.end ?? 0;
  }
}

/** What of the range lies in [first, end): itself, a part or nothing. */
export function clip(range: OffsetRange, first: number, end: number): OffsetRange[] {
  const part = { first: Math.max(range.first, first), end: Math.min(range.end, end) };
  return part.first < part.end ? [part] : [];
}
