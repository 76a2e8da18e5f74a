/** A file of JSON lines, appended to by group commit and rewritten when it has grown: small durable state. */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { diskFull, syncFolder } from "./atomic-file.ts";
import { GroupCommit } from "./group-commit.ts";

/** Rewritten at the earliest when it has this many lines. */
const COMPACT_FROM_LINES = 10_000;

export interface JournalState<Entry> {
  /** Called with each entry that is on disk: those of earlier runs, and each new one before its `append` resolves. */
  apply(entry: Entry): void;
  /** The fewest entries that lead to the present state. */
  snapshot(): Entry[];
}

interface Waiting<Entry> {
  readonly entry: Entry;
  readonly done: PromiseWithResolvers<void>;
}

export class Journal<Entry> {
  readonly #path: string;
  readonly #state: JournalState<Entry>;
  #file: FileHandle;
  #sizeBytes = 0;
  #lines = 0;
  #linesAfterCompaction = 0;
  readonly #queue = new GroupCommit<Waiting<Entry>>((group) => this.#commit(group));

  private constructor(path: string, state: JournalState<Entry>, file: FileHandle) {
    this.#path = path;
    this.#state = state;
    this.#file = file;
  }

  static async open<Entry>(path: string, state: JournalState<Entry>): Promise<Journal<Entry>> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    await syncFolder(dirname(path));
    const journal = new Journal(path, state, file);
    await journal.#replay();
    return journal;
  }

  /** Resolves when the entry is on disk and applied. */
  append(entry: Entry): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#queue.add({ entry, done });
    return done.promise;
  }

  async close(): Promise<void> {
    await this.#queue.settled();
    await this.#file.close();
  }

  async #commit(group: readonly Waiting<Entry>[]): Promise<void> {
    try {
      await this.#write(group.map(({ entry }) => entry));
    } catch (error) {
      for (const { done } of group) done.reject(error);
      return;
    }
    for (const { entry, done } of group) {
      this.#state.apply(entry);
      done.resolve();
    }
    if (this.#lines > Math.max(COMPACT_FROM_LINES, 4 * this.#linesAfterCompaction))
      await this.#compact().catch(() => undefined);
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const bytes = toLines(entries);
    const { bytesWritten } = await this.#file.write(bytes, 0, bytes.length, this.#sizeBytes);
    if (bytesWritten !== bytes.length) throw diskFull(this.#path);
    await this.#file.datasync();
    this.#sizeBytes += bytes.length;
    this.#lines += entries.length;
  }

  /** What follows the last readable line is a write that a crash tore. */
  async #replay(): Promise<void> {
    const content = await this.#file.readFile();
    for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, this.#sizeBytes)) {
      const entry = parseLine(content.toString("utf8", this.#sizeBytes, end));
      if (entry === undefined) break;
      // Only #write writes here.
      this.#state.apply(entry as Entry);
      this.#sizeBytes = end + 1;
      this.#lines += 1;
    }
    await this.#file.truncate(this.#sizeBytes);
  }

  async #compact(): Promise<void> {
    const draft = await open(`${this.#path}.new`, "w+");
    const entries = this.#state.snapshot();
    const bytes = toLines(entries);
    await draft.writeFile(bytes);
    await draft.sync();
    await rename(`${this.#path}.new`, this.#path);
    await syncFolder(dirname(this.#path));
    await this.#file.close();
    this.#file = draft;
    this.#sizeBytes = bytes.length;
    this.#lines = entries.length;
    this.#linesAfterCompaction = entries.length;
  }
}

function toLines(entries: readonly unknown[]): Buffer {
  return Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
