/** Steps that must not overlap: each begins when the one before it has ended, however that went. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(step: () => Promise<T>): Promise<T> {
    const next = this.#last.catch(() => undefined).then(step);
    this.#last = next;
    return next;
  }

  async settled(): Promise<void> {
    await this.#last.catch(() => undefined);
  }
}
