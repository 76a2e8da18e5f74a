/** Who is connected, at all replicas: one record a user in redis-state, each replica's part renewed and timed out. */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import type { Logger } from "pino";
import type { Peer } from "../peer/peer.ts";
import type { StateStore } from "./state-store.ts";

export interface Connection {
  readonly transport: Peer["transport"];
  readonly device: string | null;
  readonly connected_at: string;
}

/** By replica; what was not renewed for `ttlMs` is of a replica that died. */
type PresenceRecord = Record<string, { renewed_at: number; connections: readonly Connection[] }>;

export interface PresenceOptions {
  readonly state: StateStore;
  readonly replica: string;
  readonly log: Logger;
  readonly now: () => number;
  readonly renewMs: number;
}

const maxAttempts = 5;
const concurrency = 8;
/** A redis-state that is away must not hold up the end of the process. */
const closeMs = 5_000;

export class Presence implements AsyncDisposable {
  readonly #options: PresenceOptions;
  readonly #peers = new Map<string, Set<Peer>>();
  readonly #changed = new Set<string>();
  readonly #limit = pLimit(concurrency);
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#renew(), options.renewMs).unref();
  }

  join(peer: Peer): void {
    const peers = this.#peers.get(peer.callerId) ?? new Set();
    this.#peers.set(peer.callerId, peers.add(peer));
    this.#change(peer.callerId);
  }

  leave(peer: Peer): void {
    const peers = this.#peers.get(peer.callerId);
    peers?.delete(peer);
    if (peers?.size === 0) this.#peers.delete(peer.callerId);
    this.#change(peer.callerId);
  }

  /** Of all replicas. Throws RetryableError. */
  async connections(userId: string): Promise<Connection[]> {
    const record = toRecord((await this.#options.state.get(keyOf(userId)))?.value);
    return Object.values(this.#withoutDead(record)).flatMap(({ connections }) => connections);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.race([this.#writing, delay(closeMs, undefined, { ref: false })]);
  }

  #renew(): void {
    for (const userId of this.#peers.keys()) this.#change(userId);
  }

  /** Changes of one user that come while one is written become one more write. */
  #change(userId: string): void {
    this.#changed.add(userId);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#changed.size > 0) {
      const users = [...this.#changed];
      this.#changed.clear();
      await Promise.all(users.map((userId) => this.#limit(() => this.#write(userId))));
    }
  }

  async #write(userId: string): Promise<void> {
    const { state, log, replica, now, renewMs } = this.#options;
    try {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const stored = await state.get(keyOf(userId));
        const { [replica]: _, ...others } = this.#withoutDead(toRecord(stored?.value));
        const connections = this.#connectionsOf(userId);
        const own =
          connections.length === 0 ? {} : { [replica]: { renewed_at: now(), connections } };
        const ttlSeconds = Math.ceil((3 * renewMs) / 1000);
        if (await state.put(keyOf(userId), { ...others, ...own }, ttlSeconds, stored)) return;
      }
    } catch (error) {
      // Said again with the next renewal; nothing live depends on it.
      log.debug({ err: error }, "presence could not be written");
    }
  }

  #connectionsOf(userId: string): Connection[] {
    return [...(this.#peers.get(userId) ?? [])].map(({ transport, device, connectedAt }) => ({
      transport,
      device,
      connected_at: connectedAt.toISOString(),
    }));
  }

  #withoutDead(record: PresenceRecord): PresenceRecord {
    const { now, renewMs } = this.#options;
    const alive = Object.entries(record).filter(
      ([, { renewed_at: renewedAt }]) => now() - renewedAt < 3 * renewMs,
    );
    return Object.fromEntries(alive);
  }
}

const keyOf = (userId: string): string =>
  `presence-${createHash("sha256").update(userId).digest("hex")}`;

/** Only this class writes these keys. */
const toRecord = (value: unknown): PresenceRecord => (value ?? {}) as PresenceRecord;
