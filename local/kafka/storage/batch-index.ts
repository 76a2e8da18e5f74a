/** Where each batch of a segment begins: kept in memory, rebuilt from the batch headers at start. */
const COLUMNS = 3;

export interface BatchPlace {
  readonly baseOffset: number;
  readonly position: number;
  readonly maxTimestamp: number;
}

export class BatchIndex {
  #cells = new Float64Array(64 * COLUMNS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push({ baseOffset, position, maxTimestamp }: BatchPlace): void {
    if ((this.#count + 1) * COLUMNS > this.#cells.length) {
      const larger = new Float64Array(this.#cells.length * 2);
      larger.set(this.#cells);
      this.#cells = larger;
    }
    this.#cells.set([baseOffset, position, maxTimestamp], this.#count * COLUMNS);
    this.#count += 1;
  }

  at(row: number): BatchPlace | undefined {
    if (row < 0 || row >= this.#count) return undefined;
    const [baseOffset = 0, position = 0, maxTimestamp = 0] = this.#cells.subarray(
      row * COLUMNS,
      row * COLUMNS + COLUMNS,
    );
    return { baseOffset, position, maxTimestamp };
  }

  /** The row of the batch that holds the offset: the last one that begins at or before it. */
  rowOfOffset(offset: number): number {
    return this.#lastAtMost(0, offset);
  }

  /** The last row that begins at or before the position. */
  rowOfPosition(position: number): number {
    return this.#lastAtMost(1, position);
  }

  /** The first row with a record at or after the time, or -1. */
  rowOfTime(timestamp: number, fromRow: number): number {
    for (let row = Math.max(fromRow, 0); row < this.#count; row += 1) {
      if ((this.#cells[row * COLUMNS + 2] ?? 0) >= timestamp) return row;
    }
    return -1;
  }

  #lastAtMost(column: number, value: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#cells[middle * COLUMNS + column] ?? 0) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
