/** A file in the place of Redis, with the rules of state.redis for versions and life times; on the disk before it resolves. */
import { Journal } from "../../file/journal.ts";
import { mismatch, parseEtag, type StateStore, type Stored, type Write } from "./state-store.ts";

interface Kept {
  value: unknown;
  /** The ETag. Begins at 1, again after a removal. */
  version: number;
  firstWrite: boolean;
  expiresAt: number | null;
}

interface Line {
  key: string;
  stored: Kept | null;
}

export class FileStore implements StateStore, AsyncDisposable {
  readonly #entries = new Map<string, Kept>();
  #journal: Journal<Line> | undefined;
  readonly #now: () => number;

  private constructor(now: () => number) {
    this.#now = now;
  }

  static async open(path: string, now: () => number = Date.now): Promise<FileStore> {
    const store = new FileStore(now);
    store.#journal = await Journal.open<Line>(path, {
      // Our own writes were applied when they were made: the next one already builds on them.
      apply: (line) => {
        if (store.#journal === undefined) store.#apply(line);
      },
      snapshot: () => [...store.#entries].map(([key, stored]) => ({ key, stored })),
    });
    return store;
  }

  async get(key: string): Promise<Stored | undefined> {
    const kept = this.#find(key);
    return kept && { value: kept.value, version: String(kept.version) };
  }

  #find(key: string): Kept | undefined {
    const stored = this.#entries.get(key);
    if (stored?.expiresAt != null && stored.expiresAt <= this.#now()) {
      this.#entries.delete(key);
      return undefined;
    }
    return stored;
  }

  /** A key that does not exist takes any ETag: as in Redis. */
  async set(write: Write): Promise<void> {
    const before = this.#find(write.key);
    const firstWrite = write.concurrency === "first-write";
    const etag = parseEtag(write);
    const matches = etag === before?.version || (etag === 0 && before?.firstWrite !== true);
    if (before !== undefined && !matches) throw mismatch("ERR_STATE_SAVE", write.key);
    await this.#put(write.key, {
      value: write.value,
      version: (before?.version ?? 0) + 1,
      firstWrite: firstWrite || before?.firstWrite === true,
      expiresAt: this.#expiry(write.ttlSeconds, before),
    });
  }

  async delete(key: string, given?: string): Promise<void> {
    const before = this.#find(key);
    if (before === undefined) return;
    const etag = parseEtag(given === undefined ? {} : { etag: given });
    if (etag !== 0 && etag !== before.version) throw mismatch("ERR_STATE_DELETE", key);
    await this.#put(key, null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal?.close();
  }

  async #put(key: string, stored: Kept | null): Promise<void> {
    this.#apply({ key, stored });
    await this.#journal?.append({ key, stored });
  }

  #apply({ key, stored }: Line): void {
    if (stored === null) this.#entries.delete(key);
    else this.#entries.set(key, stored);
  }

  #expiry(ttlSeconds: number | undefined, before: Kept | undefined): number | null {
    if (ttlSeconds === undefined) return before?.expiresAt ?? null;
    return ttlSeconds > 0 ? this.#now() + ttlSeconds * 1000 : null;
  }
}
