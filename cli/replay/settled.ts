/** Up to where each partition is settled, so that a replay that was stopped can go on there. */

export class Settled {
  readonly #positions: Map<number, number>;
  readonly #ends: ReadonlyMap<number, number>;

  constructor(windows: ReadonlyMap<number, { readonly first: number; readonly end: number }>) {
    this.#positions = new Map([...windows].map(([partition, { first }]) => [partition, first]));
    this.#ends = new Map([...windows].map(([partition, { end }]) => [partition, end]));
  }

  /** All before `offset` is settled. */
  moveTo(partition: number, offset: number): void {
    this.#positions.set(partition, offset);
  }

  finish(partition: number): void {
    this.#positions.set(partition, this.#ends.get(partition) ?? 0);
  }

  /** First offsets that are not settled, of the partitions that have any. */
  left(): ReadonlyMap<number, number> {
    return new Map(
      [...this.#positions].filter(
        ([partition, position]) => position < (this.#ends.get(partition) ?? 0),
      ),
    );
  }
}
