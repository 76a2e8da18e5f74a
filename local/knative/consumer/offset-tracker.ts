/** Which offset of a partition may be committed: all before it are settled, in whatever order that happened. */

interface Pending {
  readonly offset: number;
  isSettled: boolean;
}

export class OffsetTracker {
  /** In the order of the log. Offsets may have gaps: compaction and transactions leave them. */
  readonly #pending: Pending[] = [];
  #committable: number | undefined;

  /** To be called in the order of the log; the returned function says that the record is settled. */
  begin(offset: number): () => void {
    const pending: Pending = { offset, isSettled: false };
    this.#pending.push(pending);
    return () => {
      pending.isSettled = true;
      if (this.#pending[0] === pending) this.#advance();
    };
  }

  /** One more than the last offset before the first that is not settled; undefined until there is one. */
  get committable(): number | undefined {
    return this.#committable;
  }

  /** Records begun and not yet passed by the committable offset. */
  get size(): number {
    return this.#pending.length;
  }

  #advance(): void {
    const open = this.#pending.findIndex((pending) => !pending.isSettled);
    const settled = this.#pending.splice(0, open === -1 ? this.#pending.length : open);
    const last = settled.at(-1);
    if (last !== undefined) this.#committable = last.offset + 1;
  }
}
