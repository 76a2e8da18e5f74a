/** A list that survives the runner: one JSON line an entry, on the disk before `append` resolves. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

/** Older entries go at the next start. */
const KEPT = 10_000;

export class KeptList<Entry> implements AsyncDisposable {
  readonly #entries: Entry[];
  readonly #file: FileHandle;
  #pending: { entry: Entry; written: () => void; failed: (error: unknown) => void }[] = [];
  #flushing: Promise<void> | undefined;

  private constructor(entries: Entry[], file: FileHandle) {
    this.#entries = entries;
    this.#file = file;
  }

  static async open<Entry>(path: string): Promise<KeptList<Entry>> {
    mkdirSync(dirname(path), { recursive: true });
    const lines = completeLines(path).slice(-KEPT);
    writeFileSync(path, lines.map((line) => `${line}\n`).join(""), { flush: true });
    const entries = lines.map((line) => JSON.parse(line) as Entry);
    return new KeptList(entries, await open(path, "a"));
  }

  append(entry: Entry): Promise<void> {
    return new Promise((written, failed) => {
      this.#pending.push({ entry, written, failed });
      this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    });
  }

  newest(limit: number): Entry[] {
    return this.#entries.slice(-limit).toReversed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing;
    await this.#file.close();
  }

  /** One fsync for all that came while the one before was under way. */
  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0);
      try {
        const lines = batch.map(({ entry }) => `${JSON.stringify(entry)}\n`);
        await this.#file.appendFile(lines.join(""));
        await this.#file.datasync();
        for (const { entry, written } of batch) {
          this.#entries.push(entry);
          written();
        }
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
  }
}

/** A last line without its end was being written when the runner was killed: nobody was told that it is kept. */
function completeLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(0, -1).filter(isJson);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
