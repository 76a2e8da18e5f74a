/** Tells a topic that was deleted and made again from the one that was read, also where it is as long by now. */
import { fromKafkaRecord, type KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { toRingEvent } from "./ring-event.ts";
import type { Entry, Ring } from "./ring.ts";
import { readerGroup, type WarmUp } from "./warm-up.ts";
import { offsetOf, type Vector } from "./vector.ts";

/** What the topic has where the ring has something else. */
export interface Evidence {
  readonly partition: number;
  readonly head: number;
  readonly end: number;
}

/** A producer's clock may be ahead by so much. Kafka takes an hour. */
const skewMs = 300_000;
/** A timestamp further ahead makes its topic look like one made anew; read once, it is left alone for so long. */
const trustMs = 300_000;

export class RemadeCheck {
  readonly #warmUp: WarmUp;
  readonly #now: () => number;
  /** Of all records that were read, whatever they hold, but for those of the future. */
  #youngestMs = Number.NEGATIVE_INFINITY;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #trustedUntil = Number.NEGATIVE_INFINITY;
  #running: Promise<Evidence | undefined> | undefined;

  constructor(warmUp: WarmUp, now: () => number) {
    this.#warmUp = warmUp;
    this.#now = now;
  }

  saw({ timestampMs }: KafkaRecord): void {
    if (timestampMs > this.#now() + skewMs) return;
    this.#youngestMs = Math.max(this.#youngestMs, timestampMs);
  }

  /** What was seen is of the topic before. */
  forget(): void {
    this.#youngestMs = Number.NEGATIVE_INFINITY;
    this.#checkedAt = this.#now();
  }

  /** Undefined where nothing speaks against it, or where it was looked at within `maxAgeMs`. */
  check(ring: Ring, maxAgeMs: number): Promise<Evidence | undefined> {
    const now = this.#now();
    if (this.#running !== undefined) return this.#running;
    if (now - this.#checkedAt < maxAgeMs || now < this.#trustedUntil) return none;
    if (!Number.isFinite(this.#youngestMs)) return none;
    this.#checkedAt = now;
    this.#running = this.#look(ring, [...ring.head], this.#youngestMs).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /**
   * One question to Kafka: what is younger than all that was read lies behind it. In a topic made anew everything is younger.
   * Only where the answer is another one is a record read again.
   */
  async #look(ring: Ring, head: Vector, youngestMs: number): Promise<Evidence | undefined> {
    const after = await this.#warmUp.reader.firstAfter(youngestMs);
    const doubtful = head.findIndex((offset, partition) => offsetOf(after, partition) < offset);
    if (doubtful === -1) return undefined;
    const { begin, end } = await this.#warmUp.reader.bounds();
    const shorter = head.findIndex((offset, partition) => offsetOf(end, partition) < offset);
    const partition = shorter === -1 ? doubtful : shorter;
    const evidence = {
      partition,
      head: offsetOf(head, partition),
      end: offsetOf(end, partition),
    };
    if (shorter !== -1) return evidence;
    const entry = ring.newestOf(partition);
    const isThere = entry !== undefined && entry.offset >= offsetOf(begin, partition);
    if (isThere && !(await this.#hasStill(entry, end))) return evidence;
    this.#trustedUntil = this.#now() + trustMs;
    return undefined;
  }

  async #hasStill(entry: Entry, end: Vector): Promise<boolean> {
    const { reader, groupId } = this.#warmUp;
    let isSame = false;
    await reader.read({
      groupId: readerGroup(groupId),
      from: end.map((last, at) => (at === entry.partition ? entry.offset : last)),
      until: end.map((last, at) => (at === entry.partition ? entry.offset + 1 : last)),
      commit: false,
      onRecord: (record) => {
        const event = fromKafkaRecord(record, new Date());
        if (event === undefined) return;
        const { identity, digest } = toRingEvent(event);
        isSame = identity === entry.identity && digest === entry.digest;
      },
    });
    return isSame;
  }
}

const none = Promise.resolve(undefined);
