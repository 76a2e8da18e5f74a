/** Reads stretches of the topic itself: at start, and where the sidecar's deliveries leave a gap. */
import { setTimeout as delay } from "node:timers/promises";
import type { Admin, Batch, Kafka } from "kafkajs";
import type { KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { ask } from "../../../lib/kafka/ask.ts";
import { offsetOf, type Vector } from "./vector.ts";

/** Bounds how long a fetch without news, and with it the end of a read, takes; kafkajs' default is 5 s. */
const longPollMs = 100;
/** Without news for this long the end is taken for reached: what is left are no records (transaction markers). */
const idleMs = 3_000;
/** So many answers without news: a Kafka that stands still says nothing. One may be of a fetch from before. */
const idleFetches = 2;

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
  /** Passes on the records of `[from, until)` in order a partition. Resolves with where it got to. */
  read(range: ReadRange): Promise<Vector>;
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

async function readRange(kafka: Kafka, topic: string, range: ReadRange): Promise<Vector> {
  const consumer = kafka.consumer({
    groupId: range.groupId,
    maxWaitTimeInMs: longPollMs,
    retry: { retries: 3, restartOnFailure: () => Promise.resolve(false) },
  });
  const progress = new ReadProgress(range);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  consumer.on("consumer.crash", ({ payload }) => failed.reject(payload.error));
  // Before the first fetch, so that no batch from the group's own offsets comes.
  consumer.on("consumer.group_join", ({ payload }) => {
    const assigned = payload.memberAssignment[topic] ?? [];
    if (assigned.length < range.until.length) failed.reject(new GroupTakenError(range.groupId));
    for (const [partition, offset] of progress.reached.entries()) {
      consumer.seek({ topic, partition, offset: String(offset) });
    }
  });
  // kafkajs shows neither markers nor compacted records to eachBatch, only how far the batch went.
  consumer.on("consumer.end_batch_process", ({ payload }) => {
    progress.advance(payload.partition, Number(payload.lastOffset) + 1);
  });
  consumer.on("consumer.fetch", () => progress.fetched());
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => Promise.resolve(progress.take(batch)),
    });
    await Promise.race([progress.untilDone(), failed.promise]);
    if (range.commit) await consumer.commitOffsets(progress.committable(topic));
    return progress.reached;
  } finally {
    await consumer.disconnect();
  }
}

class ReadProgress {
  readonly reached: number[];
  readonly #range: ReadRange;
  readonly #done = Promise.withResolvers<void>();
  #changes = 0;
  #fetches = 0;

  constructor(range: ReadRange) {
    this.#range = range;
    this.reached = range.until.map((_, partition) => offsetOf(range.from, partition));
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

  /** Kafka has answered a fetch. */
  fetched(): void {
    this.#fetches++;
  }

  async untilDone(): Promise<void> {
    if (this.#isDone()) return;
    let [seen, answered] = [-1, 0];
    while (seen !== this.#changes || this.#fetches < answered + idleFetches) {
      if (seen !== this.#changes) answered = this.#fetches;
      seen = this.#changes;
      const idle = new AbortController();
      await Promise.race([
        this.#done.promise,
        delay(idleMs, undefined, { signal: idle.signal }).catch(() => undefined),
      ]);
      idle.abort();
      if (this.#isDone()) return;
    }
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
