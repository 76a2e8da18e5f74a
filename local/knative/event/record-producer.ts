/** One producer for all topics: what arrives while a request is on its way goes into the next. */
import { setTimeout as wait } from "node:timers/promises";
import { Partitioners, type Kafka, type Producer } from "kafkajs";
import type { EventRecord } from "./event-record.ts";

export interface RecordProducer extends AsyncDisposable {
  /**
   * Resolves when the record is stored: acknowledged by all replicas. Rejects when that takes too long; a request that
   * is on its way then may still store it.
   */
  send(topic: string, record: EventRecord): Promise<void>;
}

export interface RecordProducerOptions {
  /** From `send` to its end, through all attempts and outages. */
  readonly deliveryTimeoutMs?: number;
}

interface Waiting {
  readonly record: EventRecord;
  readonly settle: (error?: Error) => void;
  isSettled: boolean;
  /** Why it is not stored yet. */
  error?: Error;
}

const acksOfAll = -1;
// A partition's share of a request must stay below the topic's max.message.bytes of 1 MiB.
const batchBytes = 512 * 1024;
const batchRecords = 2_000;
/** Of the receiver's producer: `delivery.timeout.ms`, and `max.block.ms` before the first record. */
const defaultTimeoutMs = 60_000;
/** `retry.backoff.ms` */
const pauseMs = 100;
const closeMs = 5_000;

export async function openRecordProducer(
  kafka: Kafka,
  { deliveryTimeoutMs = defaultTimeoutMs }: RecordProducerOptions = {},
): Promise<RecordProducer> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    // Attempts are made here, so that what was given up meanwhile is left out of the next.
    retry: { retries: 0 },
  });
  await producer.connect();
  const queues = new Map<string, Waiting[]>();
  const flushes = new Map<string, Promise<void>>();
  const closing = new AbortController();

  const flush = async (topic: string, queue: Waiting[]) => {
    while (queue.length > 0) {
      const batch = takeBatch(queue);
      const left = await sendBatch(producer, topic, batch, closing.signal);
      if (left.length === 0) continue;
      // In front of what came later: the order of a key's records is kept.
      queue.unshift(...left);
      await wait(pauseMs);
    }
    flushes.delete(topic);
  };

  return {
    send(topic, record) {
      const queue = queues.get(topic) ?? [];
      queues.set(topic, queue);
      return new Promise((resolve, reject) => {
        queue.push(toWaiting(record, deliveryTimeoutMs, resolve, reject));
        if (!flushes.has(topic)) flushes.set(topic, flush(topic, queue));
      });
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.race([Promise.all(flushes.values()), wait(closeMs, undefined, { ref: false })]);
      await producer.disconnect();
    },
  };
}

function toWaiting(
  record: EventRecord,
  timeoutMs: number,
  resolve: () => void,
  reject: (error: Error) => void,
): Waiting {
  const waiting: Waiting = {
    record,
    isSettled: false,
    settle(error) {
      clearTimeout(timer);
      waiting.isSettled = true;
      if (error === undefined) resolve();
      else reject(error);
    },
  };
  const timer = setTimeout(() => {
    const why = waiting.error === undefined ? "" : `: ${waiting.error.message}`;
    waiting.settle(new Error(`no acknowledgement from Kafka in ${timeoutMs / 1000} s${why}`));
  }, timeoutMs);
  return waiting;
}

/** What is to be tried again. */
async function sendBatch(
  producer: Producer,
  topic: string,
  batch: readonly Waiting[],
  closing: AbortSignal,
): Promise<Waiting[]> {
  if (batch.length === 0) return [];
  try {
    const messages = batch.map(({ record }) => record);
    await producer.send({ topic, acks: acksOfAll, messages });
    for (const { settle } of batch) settle();
    return [];
  } catch (thrown) {
    const error = thrown as Error;
    const isFinal = closing.aborted || !isTemporary(error);
    for (const waiting of batch) {
      waiting.error = error;
      if (isFinal) waiting.settle(error);
    }
    return batch.filter(({ isSettled }) => !isSettled);
  }
}

/** kafkajs wraps what it tried several times into errors that say they are final. */
const isTemporary = (error: unknown): boolean =>
  error instanceof Error &&
  (("retriable" in error && error.retriable === true) || isTemporary(error.cause));

/** From the front; what was given up meanwhile is left out. */
function takeBatch(queue: Waiting[]): Waiting[] {
  return queue.splice(0, batchLength(queue)).filter(({ isSettled }) => !isSettled);
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
