/** One producer for all topics: what arrives while a request is on its way goes into the next. No timer. */
import { Partitioners, type Kafka } from "kafkajs";
import type { EventRecord } from "./event-record.ts";

export interface RecordProducer extends AsyncDisposable {
  /** Resolves when the record is stored: acknowledged by all replicas. */
  send(topic: string, record: EventRecord): Promise<void>;
}

interface Waiting {
  readonly record: EventRecord;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const acksOfAll = -1;
// A partition's share of a request must stay below the topic's max.message.bytes of 1 MiB.
const batchBytes = 512 * 1024;
const batchRecords = 2_000;

export async function openRecordProducer(kafka: Kafka): Promise<RecordProducer> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const queues = new Map<string, Waiting[]>();
  const flushes = new Map<string, Promise<void>>();

  const flush = async (topic: string, queue: Waiting[]) => {
    while (queue.length > 0) {
      const batch = queue.splice(0, batchLength(queue));
      try {
        const messages = batch.map(({ record }) => record);
        await producer.send({ topic, acks: acksOfAll, messages });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    flushes.delete(topic);
  };

  return {
    send(topic, record) {
      const queue = queues.get(topic) ?? [];
      queues.set(topic, queue);
      return new Promise((resolve, reject) => {
        queue.push({ record, resolve, reject });
        if (!flushes.has(topic)) flushes.set(topic, flush(topic, queue));
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(flushes.values());
      await producer.disconnect();
    },
  };
}

/** At least one record, then as many as fit. */
function batchLength(queue: readonly Waiting[]): number {
  let bytes = 0;
  let length = 0;
  for (const { record } of queue) {
    bytes += record.value?.length ?? 0;
    if (length > 0 && (bytes > batchBytes || length === batchRecords)) break;
    length++;
  }
  return length;
}
