/** Reads stretches of a topic, outside every live consumer group: it commits nothing and leaves nothing behind. */
import { randomUUID } from "node:crypto";
import type { Batch, Consumer, EachBatchPayload, KafkaMessage } from "kafkajs";
import type { KafkaRecord } from "../../lib/events/kafka-record.ts";
import { PartitionWindows, type Window } from "./partition-windows.ts";
import type { KafkaSession } from "./session.ts";

export interface ReadWindowsOptions {
  readonly session: KafkaSession;
  readonly topic: string;
  /** By partition; inside the log. */
  readonly windows: ReadonlyMap<number, readonly Window[]>;
  /** Of one partition, in order; the next ones come when it has resolved. */
  readonly onRecords: (partition: number, records: readonly KafkaRecord[]) => Promise<void> | void;
  readonly signal?: AbortSignal | undefined;
  /** Offsets behind an open transaction are not told: so long is waited for them. */
  readonly stallMs?: number;
}

/** Partitions that were not read to the end of their windows, with the offset reached. */
export type Unread = ReadonlyMap<number, number>;

type Readers = ReadonlyMap<number, PartitionWindows>;

export async function readWindows(options: ReadWindowsOptions): Promise<Unread> {
  const { session, topic, windows } = options;
  const readers = new Map(
    [...windows]
      .map(([partition, wanted]) => [partition, new PartitionWindows(wanted)] as const)
      .filter(([, reader]) => !reader.isDone),
  );
  if (readers.size > 0) {
    const groupId = `task-events-cli-${randomUUID()}`;
    // kafkajs reads only as a group: one of its own, that commits nothing and is deleted.
    const consumer = session.kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 100,
      sessionTimeout: 60_000,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await readAll(consumer, readers, options);
    } finally {
      await consumer.disconnect();
      // An empty group goes by itself in the end: that it is still there is no failure of the read.
      await session.admin.deleteGroups([groupId]).catch(() => undefined);
    }
  }
  const unread = [...readers].filter(([, reader]) => !reader.isDone);
  return new Map(unread.map(([partition, { position }]) => [partition, position]));
}

async function readAll(
  consumer: Consumer,
  readers: Readers,
  options: ReadWindowsOptions,
): Promise<void> {
  const { topic, signal, stallMs = 10_000 } = options;
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  let stalled = setTimeout(resolve, stallMs);
  let busy = 0;
  let isOver = false;
  const moved = (partition: number): void => {
    clearTimeout(stalled);
    if (isOver) return;
    if (busy === 0) stalled = setTimeout(resolve, stallMs);
    steer(consumer, topic, partition, readers.get(partition));
    if ([...readers.values()].every((reader) => reader.isDone)) resolve();
  };
  const abort = (): void => resolve();
  signal?.addEventListener("abort", abort, { once: true });
  const { CRASH, START_BATCH_PROCESS } = consumer.events;
  consumer.on(CRASH, ({ payload }) => reject(payload.error));
  // Control records and aborted transactions alone: such a batch never reaches eachBatch.
  consumer.on(START_BATCH_PROCESS, ({ payload: { partition, batchSize, lastOffset } }) => {
    if (batchSize > 0) return;
    readers.get(partition)?.take([], Number(lastOffset) + 1);
    moved(partition);
  });
  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const { partition } = payload.batch;
    busy++;
    clearTimeout(stalled);
    try {
      await handOver(payload, readers.get(partition), options);
    } catch (error) {
      reject(error);
    } finally {
      busy--;
      moved(partition);
    }
  };
  try {
    if (signal?.aborted === true) return;
    await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 12, eachBatch });
    for (const [partition, reader] of readers) steer(consumer, topic, partition, reader);
    await finished;
  } finally {
    isOver = true;
    clearTimeout(stalled);
    signal?.removeEventListener("abort", abort);
  }
}

const heartbeatMs = 3_000;

async function handOver(
  payload: EachBatchPayload,
  reader: PartitionWindows | undefined,
  { onRecords, signal }: ReadWindowsOptions,
): Promise<void> {
  const { batch } = payload;
  if (reader === undefined || reader.isDone || signal?.aborted === true) return;
  const records = reader.take(
    batch.messages.map((message) => toRecord(batch, message)),
    Number(batch.lastOffset()) + 1,
  );
  if (records.length === 0) return;
  // What the records are read for may take longer than the group's session.
  const beat = setInterval(() => void payload.heartbeat().catch(() => undefined), heartbeatMs);
  try {
    await onRecords(batch.partition, records);
  } finally {
    clearInterval(beat);
  }
}

/** Goes on to the next window where it is not near, and stops reading a partition that has none left. */
function steer(
  consumer: Consumer,
  topic: string,
  partition: number,
  reader: PartitionWindows | undefined,
): void {
  if (reader === undefined || reader.isDone) {
    consumer.pause([{ topic, partitions: [partition] }]);
    return;
  }
  const target = reader.jump();
  if (target !== undefined) consumer.seek({ topic, partition, offset: String(target) });
}

/** A producer may stamp a record with any 64-bit number; dates end sooner. */
const maxDateMs = 8.64e15;

const toRecord = ({ topic, partition }: Batch, message: KafkaMessage): KafkaRecord => ({
  topic,
  partition,
  offset: Number(message.offset),
  timestampMs: Math.max(-maxDateMs, Math.min(Number(message.timestamp), maxDateMs)),
  key: message.key,
  headers: message.headers ?? {},
  value: message.value,
});
