/** Peers by whose events they see; an event is encoded once for all of them and written in one piece with its neighbours. */
import { later, offsetOf, reaches, type Vector } from "../topic/vector.ts";
import type { Encoding } from "./frame.ts";
import type { Peer, View } from "./peer.ts";

/** An event on its way to peers. */
export interface Shown {
  readonly userId: string | null;
  readonly text: Buffer;
  /** Null for an event that was POSTed to this replica alone. */
  readonly place: { readonly partition: number; readonly offset: number } | null;
}

interface Frame {
  readonly cursor: string;
  readonly text: Buffer;
}

interface Channel {
  readonly live: Set<Peer>;
  /** Peers whose cursor was ahead of this replica, with what they have: they skip it, and keep their own cursor. */
  readonly ahead: Map<Peer, Vector>;
  pending: Frame[];
}

export interface BroadcastOptions {
  /** Where this replica is. */
  readonly head: () => Vector;
  readonly sign: (offsets: Vector) => string;
  readonly onFrames: (count: number) => void;
  /** Time between two writes of a busy replica: fewer, larger writes. Many peers take longer, up to `max`. */
  readonly windowMs: { readonly min: number; readonly max: number };
}

/** A write to all peers is followed by a pause of so many times what it took: the rest of the CPU is for who connects. */
const pausesPerWrite = 2;

export class Broadcast {
  readonly #options: BroadcastOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #unowned = new Set<Channel>();
  readonly #dirty = new Set<Channel>();
  /** The number of each peer's join. */
  readonly #joins = new WeakMap<Peer, number>();
  #joinCount = 0;
  #isScheduled = false;
  /** Before then, what comes waits for its neighbours. */
  #quietAt = 0;

  constructor(options: BroadcastOptions) {
    this.#options = options;
  }

  /** How many peers have joined so far. */
  get joins(): number {
    return this.#joinCount;
  }

  joinOf(peer: Peer): number {
    return this.#joins.get(peer) ?? 0;
  }

  /** From the next event on. `position` is what the peer has, where that is ahead of this replica. */
  join(peer: Peer, position: Vector): void {
    const channel = this.#open(peer.view);
    this.#joins.set(peer, ++this.#joinCount);
    // What is pending is older than the peer's joining.
    this.#flushChannel(channel);
    if (reaches(this.#options.head(), position)) channel.live.add(peer);
    else channel.ahead.set(peer, position);
  }

  leave(peer: Peer): void {
    const name = nameOf(peer.view);
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    channel.live.delete(peer);
    channel.ahead.delete(peer);
    if (channel.live.size + channel.ahead.size > 0) return;
    this.#channels.delete(name);
    this.#unowned.delete(channel);
    this.#dirty.delete(channel);
  }

  /** `isFor`: not for all who are here, e.g. because some have seen the event already. */
  publish(event: Shown, isFor?: (peer: Peer) => boolean): void {
    // Where this replica is after the event is the same for every peer: signed once.
    let cursor: string | undefined;
    for (const channel of this.#channelsOf(event.userId)) {
      if (channel.live.size > 0) {
        cursor ??= this.#options.sign(this.#options.head());
        this.#publishLive(channel, event, cursor, isFor);
      }
      if (channel.ahead.size > 0) this.#publishAhead(channel, event, isFor);
    }
  }

  /** Writes what is pending now. */
  flush(): void {
    this.#isScheduled = false;
    const startedAt = performance.now();
    for (const channel of this.#dirty) this.#flushChannel(channel);
    this.#dirty.clear();
    const { min, max } = this.#options.windowMs;
    const pauseMs = (performance.now() - startedAt) * pausesPerWrite;
    this.#quietAt = startedAt + Math.min(Math.max(min, pauseMs), max);
  }

  #channelsOf(userId: string | null): Iterable<Channel> {
    if (userId === null) return this.#unowned;
    return [false, true].flatMap(
      (hasUnowned) => this.#channels.get(nameOf({ userId, hasUnowned })) ?? [],
    );
  }

  #open(view: View): Channel {
    const name = nameOf(view);
    const channel = this.#channels.get(name) ?? { live: new Set(), ahead: new Map(), pending: [] };
    this.#channels.set(name, channel);
    if (view.hasUnowned) this.#unowned.add(channel);
    return channel;
  }

  #publishLive(
    channel: Channel,
    event: Shown,
    cursor: string,
    isFor?: (peer: Peer) => boolean,
  ): void {
    const frame = { cursor, text: event.text };
    if (isFor !== undefined) {
      this.#flushChannel(channel);
      for (const peer of [...channel.live].filter(isFor)) this.#send(peer, [frame]);
      return;
    }
    channel.pending.push(frame);
    this.#dirty.add(channel);
    this.#schedule();
  }

  #publishAhead(channel: Channel, event: Shown, isFor?: (peer: Peer) => boolean): void {
    for (const [peer, position] of channel.ahead) {
      const { place } = event;
      const isKnown = place !== null && place.offset < offsetOf(position, place.partition);
      if (!isKnown && (isFor?.(peer) ?? true)) {
        const cursor = this.#options.sign(later(position, this.#options.head()));
        this.#send(peer, [{ cursor, text: event.text }]);
      }
      if (!reaches(this.#options.head(), position)) continue;
      channel.ahead.delete(peer);
      // The event is among what is pending, and the peer has it.
      this.#flushChannel(channel);
      channel.live.add(peer);
    }
  }

  /** The first event of a quiet time goes out at once; the next ones wait for the window to pass, together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const waitMs = this.#quietAt - performance.now();
    if (waitMs <= 0) setImmediate(() => this.flush());
    else setTimeout(() => this.flush(), waitMs);
  }

  #flushChannel(channel: Channel): void {
    const frames = channel.pending;
    if (frames.length === 0) return;
    channel.pending = [];
    const batches = new Map<Encoding, Buffer>();
    for (const peer of channel.live) this.#send(peer, frames, batches);
  }

  #send(peer: Peer, frames: readonly Frame[], batches = new Map<Encoding, Buffer>()): void {
    const { encoding, outbox } = peer;
    let batch = batches.get(encoding);
    if (batch === undefined) {
      const encoded = frames.map(({ cursor, text }) => encoding.event(cursor, text));
      batch =
        encoded.length === 1 && encoded[0] !== undefined ? encoded[0] : Buffer.concat(encoded);
      batches.set(encoding, batch);
    }
    outbox.push(batch, frames.length);
    this.#options.onFrames(frames.length);
  }
}

/** A user id cannot begin the other kind's name. */
const nameOf = ({ userId, hasUnowned }: View): string =>
  `${hasUnowned ? "admin" : "user"} ${userId}`;
