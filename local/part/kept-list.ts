/** A list that survives the runner; an entry is on the disk before `append` resolves. */
import { Journal } from "../file/journal.ts";

/** Older entries go. */
const KEPT = 10_000;

export class KeptList<Entry> implements AsyncDisposable {
  readonly #entries: readonly Entry[];
  readonly #journal: Journal<Entry>;

  private constructor(entries: readonly Entry[], journal: Journal<Entry>) {
    this.#entries = entries;
    this.#journal = journal;
  }

  static async open<Entry>(path: string): Promise<KeptList<Entry>> {
    const entries: Entry[] = [];
    const journal = await Journal.open<Entry>(path, {
      apply(entry) {
        entries.push(entry);
        if (entries.length > KEPT) entries.shift();
      },
      snapshot: () => entries,
    });
    return new KeptList(entries, journal);
  }

  append(entry: Entry): Promise<void> {
    return this.#journal.append(entry);
  }

  newest(limit: number): Entry[] {
    return this.#entries.slice(-limit).toReversed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#journal.close();
  }
}
