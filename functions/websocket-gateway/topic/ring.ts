/** The newest records of the topic, shared by all peers of this process, in the order in which they came. */
import type { Vector } from "./vector.ts";

/** What the ring keeps of an event. */
export interface RingEvent {
  /** (`source`, `id`) */
  readonly identity: string;
  readonly userId: string | null;
  /** In the JSON event format, UTF-8. */
  readonly text: Buffer;
  /** Of type and data: tells a repetition from another event under the same name. */
  readonly digest: string;
}

export interface Entry extends RingEvent {
  readonly sequence: number;
  readonly partition: number;
  readonly offset: number;
}

interface Repetitions {
  first: Entry;
  /** Later records of the same identity: they stand in for the first when it has left the ring. */
  readonly rest: Entry[];
}

export interface RingLimits {
  readonly events: number;
  readonly bytes: number;
}

export class Ring {
  readonly #limits: RingLimits;
  readonly #begin: number[];
  readonly #head: number[];
  #entries: Entry[] = [];
  /** Index of the oldest entry: those before it have left, and are cut off in bulk. */
  #oldest = 0;
  #nextSequence = 0;
  #bytes = 0;
  readonly #identities = new Map<string, Repetitions>();

  /** Empty, and complete from `begin` on. */
  constructor(limits: RingLimits, begin: Vector) {
    this.#limits = limits;
    this.#begin = [...begin];
    this.#head = [...begin];
  }

  /** Each partition's first offset that is here. */
  get begin(): Vector {
    return this.#begin;
  }

  /** Each partition's next offset. */
  get head(): Vector {
    return this.#head;
  }

  get size(): number {
    return this.#entries.length - this.#oldest;
  }

  get firstSequence(): number {
    return this.#nextSequence - this.size;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The entry with this sequence; undefined before it came and after it left. */
  at(sequence: number): Entry | undefined {
    return sequence < this.firstSequence
      ? undefined
      : this.#entries[this.#oldest + sequence - this.firstSequence];
  }

  /** The newest entry of a partition below an offset, as far as the ring reaches. */
  newestOf(partition: number, below: number): Entry | undefined {
    return this.#entries.findLast(
      (entry) =>
        entry.partition === partition &&
        entry.offset < below &&
        entry.sequence >= this.firstSequence,
    );
  }

  /** The oldest record of this identity in the ring. */
  find(identity: string): Entry | undefined {
    return this.#identities.get(identity)?.first;
  }

  /** A partition that was added to the topic begins at 0. */
  widen(partition: number): void {
    while (this.#head.length <= partition) {
      this.#head.push(0);
      this.#begin.push(0);
    }
  }

  /** Moves past records that are shown to nobody. */
  skipTo(partition: number, offset: number): void {
    this.widen(partition);
    this.#head[partition] = Math.max(this.#head[partition] ?? 0, offset);
  }

  append(partition: number, offset: number, event: RingEvent): Entry {
    this.skipTo(partition, offset + 1);
    const entry: Entry = { ...event, partition, offset, sequence: this.#nextSequence++ };
    this.#entries.push(entry);
    this.#bytes += entry.text.length;
    const known = this.#identities.get(entry.identity);
    if (known === undefined) this.#identities.set(entry.identity, { first: entry, rest: [] });
    else known.rest.push(entry);
    while (this.#isFull()) this.#evict();
    return entry;
  }

  #isFull(): boolean {
    const { events, bytes } = this.#limits;
    return this.size > events || (this.#bytes > bytes && this.size > 1);
  }

  #evict(): void {
    const entry = this.#entries[this.#oldest];
    if (entry === undefined) return;
    this.#oldest++;
    this.#begin[entry.partition] = Math.max(this.#begin[entry.partition] ?? 0, entry.offset + 1);
    this.#bytes -= entry.text.length;
    const known = this.#identities.get(entry.identity);
    const next = known?.rest.shift();
    if (next === undefined || known === undefined) this.#identities.delete(entry.identity);
    else known.first = next;
    if (this.#oldest > this.#limits.events) {
      this.#entries = this.#entries.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}
