/** A list that survives the runner; an entry is on the disk before `append` resolves. */
import { Journal } from "./journal.ts";

/** Older entries go at the next start. */
const KEPT = 10_000;

export class KeptList<Entry> implements AsyncDisposable {
  readonly #entries: Entry[];
  readonly #journal: Journal<Entry>;

  private constructor(entries: readonly Entry[], journal: Journal<Entry>) {
    this.#entries = [...entries];
    this.#journal = journal;
  }

  static async open<Entry>(path: string): Promise<KeptList<Entry>> {
    const { lines, journal } = await Journal.open<Entry>(path, (all) => all.slice(-KEPT));
    return new KeptList(lines, journal);
  }

  async append(entry: Entry): Promise<void> {
    await this.#journal.append(entry);
    this.#entries.push(entry);
  }

  newest(limit: number): Entry[] {
    return this.#entries.slice(-limit).toReversed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]();
  }
}
