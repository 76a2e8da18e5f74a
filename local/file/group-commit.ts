/** Group commit: whatever comes while the disk is busy goes to it together, in the order in which it came. */
export class GroupCommit<Item> {
  /** Tells its items by itself how they fared; it never rejects. */
  readonly #commit: (group: readonly Item[]) => Promise<void>;
  #waiting: Item[] = [];
  #draining: Promise<void> | undefined;

  constructor(commit: (group: readonly Item[]) => Promise<void>) {
    this.#commit = commit;
  }

  add(item: Item): void {
    this.#waiting.push(item);
    this.#draining ??= this.#drain();
  }

  /** Resolves when all that was added is through. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0));
    // In the same turn as the last look at the queue: an item added later begins anew.
    this.#draining = undefined;
  }
}
