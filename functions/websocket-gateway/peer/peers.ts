/** All connected peers of this process: their heartbeat, their tokens' end, and the drain. */
import { setTimeout as delay } from "node:timers/promises";
import { closeCode, type Peer } from "./peer.ts";

export interface PeersOptions {
  readonly heartbeatMs: number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly now: () => number;
  readonly onJoin: (peer: Peer) => void;
  readonly onLeave: (peer: Peer) => void;
}

/** setTimeout takes no more than 31 bits of milliseconds. */
const maxTimerMs = 2 ** 31 - 1;
/** After the last close frame, for the clients' answers. */
const closeGraceMs = 1_000;

export class Peers implements Disposable {
  readonly #options: PeersOptions;
  readonly #all = new Set<Peer>();
  readonly #heartbeat: NodeJS.Timeout;
  #isDraining = false;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs).unref();
  }

  get size(): number {
    return this.#all.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  [Symbol.iterator](): IterableIterator<Peer> {
    return this.#all.values();
  }

  /** Until the peer's `closed` fires. */
  add(peer: Peer, expiresAt: Date): void {
    const { onJoin, onLeave } = this.#options;
    this.#all.add(peer);
    onJoin(peer);
    this.#closeAt(peer, expiresAt);
    peer.closed.addEventListener("abort", () => {
      this.#all.delete(peer);
      onLeave(peer);
    });
  }

  /** Their positions mean nothing any more: they come again. */
  closeAll(reason: string): void {
    for (const peer of this.#all) peer.close(closeCode.restart, reason);
  }

  /** Closes all, spread over a time, so that they do not all come again at once. */
  async drain(spreadMs: number): Promise<void> {
    this.#isDraining = true;
    const closing = [...this.#all].map(async (peer) => {
      const waitMs = this.#options.random() * spreadMs;
      await delay(waitMs, undefined, { signal: peer.closed }).catch(() => undefined);
      peer.close(closeCode.restart, "the gateway restarts: resume");
    });
    await Promise.all(closing);
    const left = [...this.#all].map((peer) => untilClosed(peer.closed));
    await Promise.race([Promise.all(left), delay(closeGraceMs, undefined, { ref: false })]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
  }

  #beat(): void {
    for (const peer of this.#all) peer.beat();
  }

  #closeAt(peer: Peer, expiresAt: Date): void {
    const waitMs = expiresAt.getTime() - this.#options.now();
    const timer = setTimeout(
      () => {
        if (expiresAt.getTime() <= this.#options.now()) {
          peer.close(closeCode.expired, "the token has expired");
        } else {
          this.#closeAt(peer, expiresAt);
        }
      },
      Math.min(Math.max(waitMs, 0), maxTimerMs),
    );
    peer.closed.addEventListener("abort", () => clearTimeout(timer));
  }
}

const untilClosed = (closed: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (closed.aborted) resolve();
    else closed.addEventListener("abort", () => resolve());
  });
