/** What waits for one peer: bounded, and of shared buffers, so that a slow client costs little and nobody else's time. */
import type { Writable } from "node:stream";

export interface OutboxLimits {
  readonly frames: number;
  readonly bytes: number;
  /** A peer that takes nothing for so long while it is caught up is too slow. */
  readonly stallMs: number;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly frames: number;
}

export class Outbox {
  readonly #sink: Writable;
  readonly #limits: OutboxLimits;
  readonly #onOverflow: () => void;
  #queue: Waiting[] = [];
  #frames = 0;
  #bytes = 0;
  #isClosed = false;
  #onRoom: (() => void)[] = [];

  constructor(sink: Writable, limits: OutboxLimits, onOverflow: () => void) {
    this.#sink = sink;
    this.#limits = limits;
    this.#onOverflow = onOverflow;
    sink.on("drain", () => this.#flush());
  }

  get frames(): number {
    return this.#frames;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasRoom(): boolean {
    return this.#queue.length === 0 && !this.#sink.writableNeedDrain;
  }

  push(bytes: Buffer, frames: number): void {
    if (this.#isClosed) return;
    if (this.hasRoom) {
      this.#sink.write(bytes);
      return;
    }
    this.#queue.push({ bytes, frames });
    this.#frames += frames;
    this.#bytes += bytes.length;
    if (this.#frames > this.#limits.frames || this.#bytes > this.#limits.bytes) this.#overflow();
  }

  /** Resolves once the peer took what it was given; a peer that does not is too slow. */
  async room(): Promise<void> {
    if (this.hasRoom || this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#overflow(), this.#limits.stallMs);
    this.#onRoom.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  /** What waits is dropped: the client resumes by its cursor. */
  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#frames = 0;
    this.#bytes = 0;
    this.#wake();
  }

  #overflow(): void {
    if (this.#isClosed) return;
    this.close();
    this.#onOverflow();
  }

  #flush(): void {
    let sent = 0;
    for (const { bytes, frames } of this.#queue) {
      if (this.#sink.writableNeedDrain) break;
      this.#sink.write(bytes);
      this.#frames -= frames;
      this.#bytes -= bytes.length;
      sent++;
    }
    this.#queue.splice(0, sent);
    if (this.hasRoom) this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#onRoom.splice(0)) resolve();
  }
}
