/** What state.redis keeps of a key, with its rules for versions and life times; on the disk before it resolves. */
import { Journal } from "../part/journal.ts";
import { DaprError } from "./dapr-error.ts";

export interface Stored {
  value: unknown;
  /** The ETag. Begins at 1, again after a removal. */
  version: number;
  firstWrite: boolean;
  expiresAt: number | null;
}

export interface Write {
  key: string;
  value: unknown;
  etag?: string;
  concurrency?: "first-write" | "last-write";
  ttlSeconds?: number;
}

interface Line {
  key: string;
  stored: Stored | null;
}

/** So many lines more than there are keys, and the file is written anew. */
const SLACK = 10_000;

export class StateStore implements AsyncDisposable {
  readonly #entries = new Map<string, Stored>();
  readonly #journal: Journal<Line>;
  readonly #now: () => number;

  private constructor(lines: readonly Line[], journal: Journal<Line>, now: () => number) {
    for (const { key, stored } of lines) if (stored !== null) this.#entries.set(key, stored);
    this.#journal = journal;
    this.#now = now;
  }

  static async open(path: string, now: () => number = Date.now): Promise<StateStore> {
    const { lines, journal } = await Journal.open<Line>(path, latestOf);
    return new StateStore(lines, journal, now);
  }

  get(key: string): Stored | undefined {
    const stored = this.#entries.get(key);
    if (stored?.expiresAt != null && stored.expiresAt <= this.#now()) {
      this.#entries.delete(key);
      return undefined;
    }
    return stored;
  }

  /** Throws a DaprError 409 where the ETag is another. A key that does not exist takes any: as in Redis. */
  async set(write: Write): Promise<void> {
    const before = this.get(write.key);
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
    const before = this.get(key);
    if (before === undefined) return;
    const etag = parseEtag({ key, value: null, ...(given === undefined ? {} : { etag: given }) });
    if (etag !== 0 && etag !== before.version) throw mismatch("ERR_STATE_DELETE", key);
    await this.#put(key, null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]();
  }

  async #put(key: string, stored: Stored | null): Promise<void> {
    if (stored === null) this.#entries.delete(key);
    else this.#entries.set(key, stored);
    if (this.#journal.length > this.#entries.size + SLACK) {
      this.#journal.rewrite(() =>
        [...this.#entries].map(([name, kept]) => ({ key: name, stored: kept })),
      );
    }
    await this.#journal.append({ key, stored });
  }

  /** Without a life time an earlier one goes on; 0 or less ends it. */
  #expiry(ttlSeconds: number | undefined, before: Stored | undefined): number | null {
    if (ttlSeconds === undefined) return before?.expiresAt ?? null;
    return ttlSeconds > 0 ? this.#now() + ttlSeconds * 1000 : null;
  }
}

function latestOf(lines: Line[]): Line[] {
  const latest = new Map(lines.map((line) => [line.key, line]));
  return [...latest.values()].filter(({ stored }) => stored !== null);
}

/** 0: none. */
function parseEtag({ etag, concurrency }: Write): number {
  if (etag === undefined || etag === "" || concurrency === "last-write") return 0;
  if (/^-?\d+$/.test(etag)) return Number(etag);
  throw new DaprError(400, "ERR_STATE_SAVE", `invalid etag value: ${etag}`);
}

const mismatch = (code: string, key: string): DaprError =>
  new DaprError(409, code, `possible etag mismatch: ${key} was written by another`);
