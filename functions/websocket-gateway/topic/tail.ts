/** Follows the topic: puts each record into the ring once, in order a partition, and says so to who listens. */
import type { Event } from "../../../lib/events/event.ts";
import { fromKafkaRecord, type KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { RetryableError } from "../../../lib/host/error.ts";
import type { Logger } from "pino";
import { toRingEvent } from "./ring-event.ts";
import { type Entry, Ring, type RingLimits } from "./ring.ts";
import { RemadeCheck } from "./remade-check.ts";
import { readerGroup, rereadTopic, type Warm, type WarmUp } from "./warm-up.ts";
import { offsetOf } from "./vector.ts";

export interface TailListener {
  /** `isRepeated`: another record of the same identity is in the ring already. */
  onEntry: (entry: Entry, isRepeated: boolean) => void;
  /** The topic was made anew: positions begin again, and what peers were shown cannot be told any more. */
  onRestart: () => void;
}

export interface TailOptions {
  readonly topic: string;
  readonly limits: RingLimits;
  readonly warmUp: WarmUp;
  readonly log: Logger;
  readonly now: () => number;
}

/** A topic that was made anew may go on just where the ring ends: it is looked at while records come, at most so often. */
const lookMs = 10_000;
/** The same where a position makes no sense. */
const doubtMs = 5_000;

export class Tail {
  ring: Ring;
  listener: TailListener | undefined;
  readonly #options: TailOptions;
  /** Partitions in which a record waits for others to be read. */
  readonly #waiting = new Map<number, Promise<void>>();
  readonly #remade: RemadeCheck;
  #restarting: Promise<void> | undefined;
  #willLook = false;

  constructor(options: TailOptions, warm: Warm) {
    this.#options = options;
    this.#remade = new RemadeCheck(options.warmUp, options.now);
    this.ring = this.#fill(warm);
  }

  /** Resolves once the record is in the ring, or is known to need no place there. Rejects to have it sent again. */
  accept(record: KafkaRecord): Promise<void> {
    const { partition, topic } = record;
    // A record's own header may claim another topic; that the record is missing is seen at the next one.
    if (topic !== this.#options.topic) return Promise.resolve();
    const before = this.#waiting.get(partition) ?? this.#restarting;
    if (before === undefined && record.offset === offsetOf(this.ring.head, partition)) {
      this.#append(record);
      return Promise.resolve();
    }
    const settled = (before ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#settle(record));
    this.#waiting.set(partition, settled);
    const forget = (): void => {
      if (this.#waiting.get(partition) === settled) this.#waiting.delete(partition);
    };
    settled.then(forget, forget);
    return settled;
  }

  /** Looks whether the topic was made anew, e.g. because audit-log tells of another generation. */
  async restart(): Promise<void> {
    this.#restarting ??= this.#reread().finally(() => {
      this.#restarting = undefined;
    });
    await this.#restarting;
  }

  /** The topic may be another one than was read: `check` has found a sign of it, and no proof yet. */
  get isInDoubt(): boolean {
    return this.#remade.isInDoubt;
  }

  /** Begins anew where the topic is another one than was read. Looks at most once in `maxAgeMs`; rejects where it cannot. */
  async check(maxAgeMs: number): Promise<void> {
    const { log } = this.#options;
    const evidence = await this.#remade.check(this.ring, maxAgeMs).catch(unreadable);
    if (evidence === undefined) return;
    log.warn({ ...evidence }, "the topic is another one than was read");
    await this.restart();
  }

  async #settle(record: KafkaRecord): Promise<void> {
    const { partition, offset } = record;
    if (offset !== offsetOf(this.ring.head, partition) && !this.#isRepetition(record)) {
      if (!this.#remade.isDue(doubtMs)) this.#lookLater();
      await this.check(doubtMs);
    }
    if (offset > offsetOf(this.ring.head, partition)) await this.#readGap(record);
    if (offset === offsetOf(this.ring.head, partition)) this.#append(record);
  }

  /** The last record that makes no sense may be the last that comes. */
  #lookLater(): void {
    if (this.#willLook) return;
    this.#willLook = true;
    setTimeout(() => {
      this.#willLook = false;
      this.check(doubtMs).catch(() => undefined);
    }, doubtMs).unref();
  }

  /** The sidecar skipped something (its group lost its offsets, a header that it cannot send): it is read here. */
  async #readGap(record: KafkaRecord): Promise<void> {
    const { reader, groupId } = this.#options.warmUp;
    const { partition, offset } = record;
    const { end } = await reader.bounds().catch(unreadable);
    if (offset >= offsetOf(end, partition)) return;
    const from = end.map((last, at) => (at === partition ? offsetOf(this.ring.head, at) : last));
    const until = end.map((last, at) => (at === partition ? offset : last));
    this.#options.log.info({ partition, from: from[partition], until: offset }, "reading a gap");
    await reader
      .read({
        groupId: readerGroup(groupId),
        from,
        until,
        commit: false,
        onRecord: (missed) => this.#append(missed),
      })
      .catch(unreadable);
    this.ring.skipTo(partition, offset);
  }

  /** Else it is behind the head since its position is false, or since the topic was made anew. */
  #isRepetition(record: KafkaRecord): boolean {
    const event = fromKafkaRecord(record, new Date());
    const known = event && this.ring.find(toRingEvent(event).identity);
    return known?.partition === record.partition && known.offset === record.offset;
  }

  async #reread(): Promise<void> {
    const warm = await rereadTopic(this.#options.warmUp).catch(unreadable);
    this.ring = this.#fill(warm);
    this.listener?.onRestart();
  }

  #fill(warm: Warm): Ring {
    const ring = new Ring(this.#options.limits, warm.begin);
    this.#remade.forget();
    for (const record of warm.records) this.#append(record, ring);
    for (const [partition, offset] of warm.end.entries()) ring.skipTo(partition, offset);
    this.#remade.begin(ring);
    return ring;
  }

  #append(record: KafkaRecord, ring = this.ring): void {
    const { partition, offset } = record;
    if (offset < offsetOf(ring.head, partition)) return;
    this.#remade.saw(record, ring);
    if (ring === this.ring && this.#remade.isDue(lookMs)) this.check(lookMs).catch(() => undefined);
    const event = fromKafkaRecord(record, new Date());
    if (!isShown(event)) return ring.skipTo(partition, offset + 1);
    const ringEvent = toRingEvent(event);
    const known = ring.find(ringEvent.identity);
    if (known !== undefined && known.digest !== ringEvent.digest) {
      const { id, source } = event;
      this.#options.log.warn({ event_id: id, source }, "two different events have the same name");
    }
    const entry = ring.append(partition, offset, ringEvent);
    if (ring === this.ring) this.listener?.onEntry(entry, known !== undefined);
  }
}

/** What no function gets, or breaks the contract, is in the audit log alone. */
const isShown = (event: Event | undefined): event is Event =>
  event !== undefined && event.problem === null;

function unreadable(cause: unknown): never {
  throw new RetryableError("topic_unreadable", "the topic cannot be read now", { cause });
}
