/** How many messages are under way at once: a send that takes long moves aside and frees its place. */

export class Slots {
  readonly #limit: number;
  readonly #overdue = new Set<Slot>();
  #fast = 0;
  #slow = 0;

  /** `limit` fast ones, and as many slow ones beside them. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#fast + this.#slow;
  }

  /** `expected`: slow places that are wanted by messages which have fast ones. */
  isFree(isSlow: boolean, expected = 0): boolean {
    return (isSlow ? this.#slow + expected : this.#fast) < this.#limit;
  }

  take(isSlow: boolean): Slot {
    if (isSlow) this.#slow++;
    else this.#fast++;
    return { isSlow };
  }

  /** The message has been under way for long: others may have its place, where there is one for it. */
  moveAside(slot: Slot): void {
    if (!slot.isSlow) this.#overdue.add(slot);
    this.#moveOverdue();
  }

  release(slot: Slot): void {
    this.#overdue.delete(slot);
    if (slot.isSlow) this.#slow--;
    else this.#fast--;
    this.#moveOverdue();
  }

  #moveOverdue(): void {
    for (const slot of this.#overdue) {
      if (this.#slow >= this.#limit) return;
      this.#overdue.delete(slot);
      slot.isSlow = true;
      this.#fast--;
      this.#slow++;
    }
  }
}

export interface Slot {
  isSlow: boolean;
}
