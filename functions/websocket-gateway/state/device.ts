/** Named devices: what each has acknowledged, and which connection is the device now, kept in redis-state. */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { RetryableError } from "../../../lib/host/error.ts";
import type { Cursor, CursorCodec } from "../access/cursor.ts";
import { later, reaches } from "../topic/vector.ts";
import type { StateStore, Stored } from "./state-store.ts";

/** What is stored a device. */
interface DeviceRecord {
  /** Null until the first ack. */
  readonly cursor: string | null;
  /** Id of the connection that is the device: the newest. */
  readonly connection: string;
}

/** A device that nobody connected for so long begins anew. */
const ttlSeconds = 30 * 24 * 3600;
const maxAttempts = 5;
/** At most so often a device; acks between two writes go together. */
const writeGapMs = 100;

export interface DeviceOptions {
  readonly state: StateStore;
  readonly codec: CursorCodec;
  readonly log: Logger;
  readonly connection: string;
  /** Told once, when another connection has become the device: perhaps at another replica. */
  readonly onReplaced: () => void;
}

/** Blanks and quotes of ids do not matter: it is a digest. */
export const deviceKey = (callerId: string, viewUserId: string, device: string): string => {
  const name = JSON.stringify([callerId, viewUserId, device]);
  return `device-${createHash("sha256").update(name).digest("hex")}`;
};

/** One connection's hold on its device. */
export class DeviceHold {
  readonly key: string;
  readonly #options: DeviceOptions;
  #acked: Cursor | undefined;
  #written: Cursor | undefined;
  #writing: Promise<void> | undefined;
  #stored: Stored | undefined;
  #isTaken = false;
  #isReplaced = false;

  constructor(key: string, options: DeviceOptions) {
    this.key = key;
    this.#options = options;
  }

  /** Becomes the device. Resolves with what it has acknowledged; throws RetryableError where that cannot be known. */
  async take(): Promise<Cursor | undefined> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      this.#stored = await this.#options.state.get(this.key);
      const kept = this.#cursorOf(this.#stored);
      // Acks came already where redis-state was away when the client connected.
      const cursor = merge(kept, this.#acked);
      if (!(await this.#put(cursor))) continue;
      this.#isTaken = true;
      this.#written = cursor;
      this.#acked = merge(cursor, this.#acked);
      return kept;
    }
    throw new RetryableError("device_contended", "the device connects too often at once");
  }

  /** Forward only. Written at once; acks that come while a write runs go with the next one. */
  ack(cursor: Cursor): void {
    const before = this.#acked;
    const isOlder =
      before?.generation === cursor.generation && reaches(before.offsets, cursor.offsets);
    if (isOlder || this.#isReplaced) return;
    this.#acked = merge(before, cursor);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Closes the connection where another has become the device meanwhile. */
  async check(): Promise<void> {
    if (this.#writing !== undefined || this.#isReplaced) return;
    if (!this.#isTaken) return void (await this.take());
    const stored = await this.#options.state.get(this.key);
    if (this.#writing === undefined) this.#observe(stored);
  }

  /** Resolves when the last ack is kept, or cannot be. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      while (this.#acked !== this.#written && !this.#isReplaced) {
        const cursor = this.#acked;
        if (!this.#isTaken) await this.take();
        else if (await this.#put(cursor)) this.#written = cursor;
        else this.#observe(await this.#options.state.get(this.key));
        await delay(writeGapMs);
      }
    } catch (error) {
      // The next ack carries on; a client that reconnects before it sees some events again.
      this.#options.log.warn({ err: error }, "an ack could not be kept");
    }
  }

  /** False where another write came first. */
  async #put(cursor: Cursor | undefined): Promise<boolean> {
    const { state, codec, connection } = this.#options;
    const text = cursor === undefined ? null : codec.sign(cursor.generation, cursor.offsets);
    const value: DeviceRecord = { cursor: text, connection };
    if (!(await state.put(this.key, value, ttlSeconds, this.#stored))) return false;
    // A write does not tell its ETag.
    this.#observe(await state.get(this.key));
    return true;
  }

  #observe(stored: Stored | undefined): void {
    if (stored === undefined || toRecord(stored).connection === this.#options.connection) {
      this.#stored = stored;
    } else if (!this.#isReplaced) {
      this.#isReplaced = true;
      this.#options.onReplaced();
    }
  }

  #cursorOf(stored: Stored | undefined): Cursor | undefined {
    const text = stored === undefined ? null : toRecord(stored).cursor;
    return text === null ? undefined : this.#options.codec.verify(text);
  }
}

/** What both together say was seen; offsets of two generations do not compare, the newer ack counts. */
function merge(older: Cursor | undefined, newer: Cursor | undefined): Cursor | undefined {
  if (older === undefined || newer === undefined) return newer ?? older;
  if (older.generation !== newer.generation) return newer;
  if (reaches(older.offsets, newer.offsets)) return older;
  return { ...newer, offsets: later(older.offsets, newer.offsets), proof: null };
}

function toRecord({ value }: Stored): DeviceRecord {
  const { cursor, connection } = (value ?? {}) as Partial<DeviceRecord>;
  return {
    cursor: typeof cursor === "string" ? cursor : null,
    connection: typeof connection === "string" ? connection : "",
  };
}
