/** Reads stretches of the topic itself: at start, and where the sidecar's deliveries leave a gap. */
import { setTimeout as delay } from "node:timers/promises";
import type { Admin, Batch, Kafka } from "kafkajs";
import type { KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { ask } from "../../../lib/kafka/ask.ts";
import { offsetOf, type Vector } from "./vector.ts";

/** Bounds how long a fetch without news, and with it the end of a read, takes; kafkajs' default is 5 s. */
const longPollMs = 100;
/** Without news for this long it is looked at whether what is wanted is still there. */
const idleMs = 3_000;
/** So often: then whoever reads is told, and begins again. */
const idleLooks = 5;

export interface TopicBounds {
  readonly begin: Vector;
  readonly end: Vector;
}

export interface TopicReader {
  bounds(): Promise<TopicBounds>;
  /** The first offset of each partition whose record is younger than this, else its end. */
  firstAfter(timestampMs: number): Promise<Vector>;
  /** Whether somebody is in the group, as when only the app was restarted. */
  hasMembers(groupId: string): Promise<boolean>;
  /**
   * Passes on the records of `[from, until)` in order a partition, and resolves when there are no more: what is not
   * shown was deleted, or is a transaction marker. Rejects where Kafka keeps something back (a leader is being chosen,
   * a transaction is open): nothing is taken for read that was not.
   */
  read(range: ReadRange): Promise<void>;
}

export interface ReadRange {
  readonly groupId: string;
  readonly from: Vector;
  readonly until: Vector;
  readonly onRecord: (record: KafkaRecord) => void;
  /** Sets the group's offsets to where the read got to. */
  readonly commit: boolean;
}

/** Somebody else joined the group meanwhile: the read would miss their partitions. */
export class GroupTakenError extends Error {
  override readonly name = "GroupTakenError";
}

export function topicReader(kafka: Kafka, topic: string): TopicReader {
  return {
    bounds: () => withAdmin(kafka, (admin) => ask(() => boundsOf(admin, topic))),
    firstAfter: (timestampMs) =>
      withAdmin(kafka, async (admin) => {
        const first: number[] = [];
        const found = await ask(() => admin.fetchTopicOffsetsByTimestamp(topic, timestampMs + 1));
        for (const { partition, offset } of found) first[partition] = Number(offset);
        return first;
      }),
    hasMembers: (groupId) =>
      withAdmin(kafka, async (admin) => {
        const { groups } = await ask(() => admin.describeGroups([groupId]));
        return groups.some((group) => group.members.length > 0);
      }),
    read: (range) => readRange(kafka, topic, range),
  };
}

async function withAdmin<Result>(kafka: Kafka, use: (admin: Admin) => Promise<Result>) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

async function boundsOf(admin: Admin, topic: string): Promise<TopicBounds> {
  const begin: number[] = [];
  const end: number[] = [];
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    begin[partition] = Number(low);
    end[partition] = Number(high);
  }
  return { begin, end };
}

async function readRange(kafka: Kafka, topic: string, range: ReadRange): Promise<void> {
  const consumer = kafka.consumer({
    groupId: range.groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: longPollMs,
    retry: { retries: 3, restartOnFailure: () => Promise.resolve(false) },
  });
  const progress = new ReadProgress(range);
  consumer.on("consumer.crash", ({ payload }) => progress.fail(payload.error));
  // Before the first fetch, so that no batch from the group's own offsets comes.
  consumer.on("consumer.group_join", ({ payload }) => {
    const assigned = payload.memberAssignment[topic] ?? [];
    if (assigned.length < range.until.length) progress.fail(new GroupTakenError(range.groupId));
    for (const [partition, offset] of progress.reached.entries()) {
      consumer.seek({ topic, partition, offset: String(offset) });
    }
  });
  // kafkajs shows neither markers nor compacted records to eachBatch, only how far the batch went.
  consumer.on("consumer.end_batch_process", ({ payload }) => {
    progress.advance(payload.partition, Number(payload.lastOffset) + 1);
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => Promise.resolve(progress.take(batch)),
    });
    await progress.untilDone(() => withAdmin(kafka, (admin) => boundsOf(admin, topic)));
    if (range.commit) await consumer.commitOffsets(progress.committable(topic));
  } finally {
    await consumer.disconnect();
  }
}

class ReadProgress {
  readonly reached: number[];
  readonly #range: ReadRange;
  readonly #done = Promise.withResolvers<void>();
  #changes = 0;

  constructor(range: ReadRange) {
    this.#range = range;
    this.reached = range.until.map((_, partition) => offsetOf(range.from, partition));
    this.#done.promise.catch(() => undefined);
  }

  take(batch: Batch): void {
    const { partition } = batch;
    for (const { offset, timestamp, key, headers = {}, value } of batch.messages) {
      const record = { partition, offset: Number(offset), timestampMs: Number(timestamp) };
      if (!this.#isWanted(partition, record.offset)) continue;
      this.#range.onRecord({ topic: batch.topic, ...record, key, headers, value });
      this.advance(partition, record.offset + 1);
    }
  }

  advance(partition: number, offset: number): void {
    const until = offsetOf(this.#range.until, partition);
    const reached = this.reached[partition] ?? 0;
    const next = Math.min(Math.max(offset, reached), until);
    if (next === reached) return;
    this.reached[partition] = next;
    this.#changes++;
    if (this.#isDone()) this.#done.resolve();
  }

  fail(error: Error): void {
    this.#done.reject(error);
  }

  /** `bounds`: as they are now. What was deleted meanwhile does not come. */
  async untilDone(bounds: () => Promise<TopicBounds>): Promise<void> {
    let [seen, looks] = [this.#changes, 0];
    while (!this.#isDone()) {
      await this.#doneOrIdle();
      if (this.#isDone()) return;
      looks = seen === this.#changes ? looks + 1 : 0;
      seen = this.#changes;
      if (looks === idleLooks) throw new Error(this.#missing());
      // A Kafka that is away does not answer this either.
      const { begin } = await bounds().catch(() => ({ begin: [] }));
      for (const [partition, offset] of begin.entries()) this.advance(partition, offset);
    }
  }

  async #doneOrIdle(): Promise<void> {
    const idle = new AbortController();
    const late = delay(idleMs, undefined, { signal: idle.signal }).catch(() => undefined);
    await Promise.race([this.#done.promise, late]);
    idle.abort();
  }

  #missing(): string {
    const partition = this.reached.findIndex((at, of) => at < offsetOf(this.#range.until, of));
    const [from, until] = [this.reached, this.#range.until].map((at) => offsetOf(at, partition));
    return `of partition ${partition} the records from ${from} to ${until} do not come`;
  }

  committable(topic: string): { topic: string; partition: number; offset: string }[] {
    return this.reached.map((offset, partition) => ({ topic, partition, offset: String(offset) }));
  }

  #isWanted(partition: number, offset: number): boolean {
    return (
      offset >= (this.reached[partition] ?? 0) && offset < offsetOf(this.#range.until, partition)
    );
  }

  #isDone(): boolean {
    const { until } = this.#range;
    return this.reached.every((offset, partition) => offset >= offsetOf(until, partition));
  }
}
