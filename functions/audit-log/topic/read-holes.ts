/** Reads given offsets from the topic, and tells which of them a complete read passed over. */
import { randomUUID } from "node:crypto";
import type { Batch, Consumer, Kafka, KafkaMessage } from "kafkajs";
import type { KafkaRecord } from "../../../lib/events/kafka-record.ts";
import type { OffsetRange } from "../coverage/offset-range.ts";
import { HoleReader } from "./hole-reader.ts";

export interface ReadHolesOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  /** By partition; inside the log. */
  readonly holes: ReadonlyMap<number, readonly OffsetRange[]>;
  readonly onRecord: (record: KafkaRecord) => Promise<void>;
  /** Offsets behind an open transaction are not told by a read_committed fetch: so long is waited for them. */
  readonly stallMs: number;
}

export interface ReadHoles {
  /** Passed over by the fetch: no record is there. */
  readonly passedOver: ReadonlyMap<number, readonly OffsetRange[]>;
  /** Not reached. */
  readonly unread: ReadonlyMap<number, readonly OffsetRange[]>;
}

export async function readHoles(options: ReadHolesOptions): Promise<ReadHoles> {
  const { kafka, topic, holes } = options;
  const readers = new Map([...holes].map(([index, ranges]) => [index, new HoleReader(ranges)]));
  if (readers.size > 0) {
    const groupId = `audit-log-verify-${randomUUID()}`;
    // kafkajs reads only as a group: one of its own, that commits nothing and is deleted.
    const consumer = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 100,
      sessionTimeout: 60_000,
      retry: { restartOnFailure: async () => false },
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await readAll(consumer, readers, options);
    } finally {
      await consumer.disconnect();
      await deleteGroup(kafka, groupId);
    }
  }
  const ofEach = (pick: (reader: HoleReader) => readonly OffsetRange[]) =>
    new Map(
      [...readers]
        .map(([index, reader]) => [index, pick(reader)] as const)
        .filter(([, r]) => r.length > 0),
    );
  return {
    passedOver: ofEach((reader) => reader.passedOver()),
    unread: ofEach((reader) => reader.unread()),
  };
}

type Readers = ReadonlyMap<number, HoleReader>;

async function readAll(
  consumer: Consumer,
  readers: Readers,
  { topic, onRecord, stallMs }: ReadHolesOptions,
): Promise<void> {
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  let stalled = setTimeout(resolve, stallMs);
  const moved = (partition: number): void => {
    clearTimeout(stalled);
    stalled = setTimeout(resolve, stallMs);
    steer(consumer, topic, partition, readers.get(partition));
    if ([...readers.values()].every((reader) => reader.isDone())) resolve();
  };
  const { CRASH, START_BATCH_PROCESS } = consumer.events;
  consumer.on(CRASH, ({ payload }) => reject(payload.error));
  // Control records and aborted transactions alone: such a batch never reaches eachBatch.
  consumer.on(START_BATCH_PROCESS, ({ payload: { partition, batchSize, lastOffset } }) => {
    if (batchSize > 0) return;
    readers.get(partition)?.passTo(Number(lastOffset) + 1, []);
    moved(partition);
  });
  const eachBatch = async ({ batch }: { batch: Batch }): Promise<void> => {
    try {
      await readBatch(batch, readers.get(batch.partition), onRecord);
      moved(batch.partition);
    } catch (error) {
      reject(error);
    }
  };
  try {
    await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 3, eachBatch });
    for (const [partition, reader] of readers) steer(consumer, topic, partition, reader);
    await finished;
  } finally {
    clearTimeout(stalled);
  }
}

/** Goes on to the next hole where it is not near, and stops reading a partition that has none left. */
function steer(
  consumer: Consumer,
  topic: string,
  partition: number,
  reader: HoleReader | undefined,
): void {
  if (reader === undefined || reader.isDone()) {
    consumer.pause([{ topic, partitions: [partition] }]);
    return;
  }
  const target = reader.jump();
  if (target !== undefined) consumer.seek({ topic, partition, offset: String(target) });
}

async function readBatch(
  batch: Batch,
  reader: HoleReader | undefined,
  onRecord: (record: KafkaRecord) => Promise<void>,
): Promise<void> {
  if (reader === undefined) return;
  const wanted = batch.messages.filter(({ offset }) => reader.wants(Number(offset)));
  await Promise.all(wanted.map((message) => onRecord(toRecord(batch, message))));
  const read = wanted.map(({ offset }) => Number(offset));
  reader.passTo(Number(batch.lastOffset()) + 1, read);
}

const toRecord = ({ topic, partition }: Batch, message: KafkaMessage): KafkaRecord => ({
  topic,
  partition,
  offset: Number(message.offset),
  timestampMs: Number(message.timestamp),
  key: message.key,
  headers: message.headers ?? {},
  value: message.value,
});

/** An empty group goes by itself in the end: that it is still there is no failure of the read. */
async function deleteGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteGroups([groupId]).catch(() => undefined);
  await admin.disconnect();
}
