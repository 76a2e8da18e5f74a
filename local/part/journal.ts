/** A file of JSON lines that only grows: what was appended is on the disk, also after kill -9 in the middle of a write. */
import { mkdirSync, readFileSync } from "node:fs";
import { open, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

interface Pending {
  text: string;
  written: () => void;
  failed: (error: unknown) => void;
}

export class Journal<Line> implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle;
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;
  #rewriteWith: (() => readonly Line[]) | undefined;
  /** Lines in the file. */
  length: number;

  private constructor(path: string, file: FileHandle, length: number) {
    this.#path = path;
    this.#file = file;
    this.length = length;
  }

  /** `keep` tells from the lines that are there those that stay. */
  static async open<Line>(
    path: string,
    keep: (lines: Line[]) => readonly Line[],
  ): Promise<{ journal: Journal<Line>; lines: readonly Line[] }> {
    mkdirSync(dirname(path), { recursive: true });
    const lines = keep(readLines<Line>(path));
    const file = await replaceFile(path, lines);
    return { journal: new Journal(path, file, lines.length), lines };
  }

  append(line: Line): Promise<void> {
    return new Promise((written, failed) => {
      this.#pending.push({ text: `${JSON.stringify(line)}\n`, written, failed });
      this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    });
  }

  /** With the next append the file is written anew, with these lines alone. */
  rewrite(lines: () => readonly Line[]): void {
    this.#rewriteWith = lines;
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
        await this.#write(batch);
        for (const { written } of batch) written();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    if (this.#rewriteWith !== undefined) {
      const lines = this.#rewriteWith();
      this.#rewriteWith = undefined;
      const file = await replaceFile(this.#path, lines);
      await this.#file.close();
      this.#file = file;
      this.length = lines.length;
    }
    await this.#file.appendFile(batch.map(({ text }) => text).join(""));
    await this.#file.datasync();
    this.length += batch.length;
  }
}

/** The new file takes the old one's place as a whole, and is open for more. */
async function replaceFile(path: string, lines: readonly unknown[]): Promise<FileHandle> {
  const file = await open(`${path}.new`, "w");
  await file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  await file.datasync();
  await rename(`${path}.new`, path);
  return file;
}

/** A line without its end was being written when the runner was killed: nobody was told that it is kept. */
function readLines<Line>(path: string): Line[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const complete = text.split("\n").slice(0, -1);
  return complete.flatMap((line) => parseLine<Line>(line));
}

function parseLine<Line>(line: string): Line[] {
  try {
    return [JSON.parse(line) as Line];
  } catch {
    return [];
  }
}
