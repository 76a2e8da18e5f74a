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

/** What was read up to a moment: all that is younger lies behind `head`. */
interface Anchor {
  readonly head: Vector;
  readonly youngestMs: number;
}

export class RemadeCheck {
  readonly #warmUp: WarmUp;
  readonly #now: () => number;
  /** Of all records that were read, whatever they hold, but for those of the future. */
  #youngestMs = Number.NEGATIVE_INFINITY;
  /** Moves on only where Kafka agreed: records of another topic, taken meanwhile, do not hide it. */
  #anchor: Anchor | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #trustedUntil = Number.NEGATIVE_INFINITY;
  #running: Promise<Evidence | undefined> | undefined;
  #isInDoubt = false;

  constructor(warmUp: WarmUp, now: () => number) {
    this.#warmUp = warmUp;
    this.#now = now;
  }

  /** Kafka's answer was another one than expected, and what the topic has could not be read yet. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** Before the ring has it. */
  saw({ partition, offset, timestampMs }: KafkaRecord, { head }: Ring): void {
    if (timestampMs > this.#now() + skewMs) return;
    this.#youngestMs = Math.max(this.#youngestMs, timestampMs);
    // The topic was empty: what comes before the first look may be of another one already.
    this.#anchor ??= {
      head: Object.assign([...head], { [partition]: offset + 1 }),
      youngestMs: timestampMs,
    };
  }

  /** The ring was read anew: what was seen before is of the topic before. */
  begin({ head }: Ring): void {
    const hasRecords = Number.isFinite(this.#youngestMs);
    this.#anchor = hasRecords ? { head: [...head], youngestMs: this.#youngestMs } : undefined;
    this.#checkedAt = this.#now();
    this.#isInDoubt = false;
  }

  forget(): void {
    this.#youngestMs = Number.NEGATIVE_INFINITY;
  }

  /** It was not looked at within `maxAgeMs`. */
  isDue(maxAgeMs: number): boolean {
    const now = this.#now();
    return now - this.#checkedAt >= maxAgeMs && now >= this.#trustedUntil;
  }

  /** Undefined where nothing speaks against it, or where it is not due. */
  check(ring: Ring, maxAgeMs: number): Promise<Evidence | undefined> {
    if (this.#running !== undefined) return this.#running;
    if (!this.isDue(maxAgeMs)) return none;
    this.#checkedAt = this.#now();
    this.#running = this.#look(ring).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** One question to Kafka. Only where the answer is not the expected one, a record is read again. */
  async #look(ring: Ring): Promise<Evidence | undefined> {
    const present = { head: [...ring.head], youngestMs: this.#youngestMs };
    const { head, youngestMs } = this.#anchor ?? present;
    if (!Number.isFinite(youngestMs)) return undefined;
    const after = await this.#warmUp.reader.firstAfter(youngestMs);
    const doubtful = behind(after, head);
    this.#isInDoubt = doubtful !== -1;
    if (!this.#isInDoubt) {
      this.#anchor = present;
      return undefined;
    }
    const { begin, end } = await this.#warmUp.reader.bounds();
    const shorter = behind(end, head);
    const partition = shorter === -1 ? doubtful : shorter;
    const evidence = { partition, head: offsetOf(head, partition), end: offsetOf(end, partition) };
    if (shorter !== -1) return evidence;
    const entry = ring.newestOf(partition, evidence.head);
    const isThere = entry !== undefined && entry.offset >= offsetOf(begin, partition);
    if (isThere && !(await this.#hasStill(entry, end))) return evidence;
    this.#trustedUntil = this.#now() + trustMs;
    this.#isInDoubt = false;
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

/** The first partition in which `vector` does not reach `point`; -1 where it does everywhere. */
const behind = (vector: Vector, point: Vector): number =>
  point.findIndex((offset, partition) => offsetOf(vector, partition) < offset);
