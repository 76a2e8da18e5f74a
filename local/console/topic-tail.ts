/** The last records of some topics: followed by the Kafka protocol from the first question on, kept in memory. */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Admin, EachMessagePayload, Kafka } from "kafkajs";
import type { KafkaRecord } from "../../lib/events/kafka-record.ts";

export interface TopicTail extends AsyncDisposable {
  /** All that is kept of the topic, newest first, up to the topic's end at the time of the call. */
  read(topic: string): Promise<KafkaRecord[]>;
}

export class LogError extends Error {
  override readonly name = "LogError";

  constructor(cause: unknown) {
    super(`the log does not answer: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** A producer may stamp a record with any 64-bit number; dates end sooner. */
const maxDateMs = 8.64e15;
/** Of each partition, before the first question. */
const initialRecords = 1_000;
const keptRecords = 20_000;
const keptBytes = 64 * 1024 * 1024;
/** An end that is no record's (a transaction's marker) is never reached: what came until then is the answer. */
const catchUpMs = 2_000;

export function createTopicTail(kafka: Kafka, topics: readonly string[]): TopicTail {
  let following: Promise<Following> | undefined;
  return {
    async read(topic) {
      following ??= follow(kafka, topics);
      try {
        return await (await following).read(topic);
      } catch (error) {
        // The log was away: the next question starts anew.
        const failed = following;
        following = undefined;
        void failed.then((it) => it.stop()).catch(() => {});
        throw new LogError(error);
      }
    },
    async [Symbol.asyncDispose]() {
      await following?.then((it) => it.stop()).catch(() => {});
    },
  };
}

interface Following {
  read(topic: string): Promise<KafkaRecord[]>;
  stop(): Promise<void>;
}

async function follow(kafka: Kafka, topics: readonly string[]): Promise<Following> {
  const admin = kafka.admin();
  const groupId = `local-console-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
    retry: { restartOnFailure: () => Promise.resolve(true) },
  });
  const stop = async () => {
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => {});
    await admin.disconnect();
  };
  try {
    await admin.connect();
    const starts = await tailStarts(admin, topics);
    const kept = new KeptRecords(starts);
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: (payload) => Promise.resolve(kept.add(toRecord(payload))),
    });
    for (const start of starts) consumer.seek({ ...start, offset: String(start.offset) });
    return {
      async read(topic) {
        await caughtUp(admin, kept, topic);
        return kept.newestFirst(topic);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Start {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

async function tailStarts(admin: Admin, topics: readonly string[]): Promise<Start[]> {
  const starts = topics.map(async (topic) => {
    const partitions = await admin.fetchTopicOffsets(topic);
    return partitions.map(({ partition, low, high }) => ({
      topic,
      partition,
      offset: Math.max(Number(low), Number(high) - initialRecords),
    }));
  });
  return (await Promise.all(starts)).flat();
}

async function caughtUp(admin: Admin, kept: KeptRecords, topic: string): Promise<void> {
  const ends = await admin.fetchTopicOffsets(topic);
  const deadline = performance.now() + catchUpMs;
  const isBehind = () =>
    ends.some(({ partition, high }) => kept.position(topic, partition) < Number(high));
  while (isBehind() && performance.now() < deadline) await wait(5);
}

const toRecord = ({ topic, partition, message }: EachMessagePayload): KafkaRecord => ({
  topic,
  partition,
  offset: Number(message.offset),
  timestampMs: Math.max(-maxDateMs, Math.min(Number(message.timestamp), maxDateMs)),
  key: message.key,
  headers: message.headers ?? {},
  value: message.value,
});

class KeptRecords {
  readonly #positions = new Map<string, number>();
  #records: KafkaRecord[] = [];
  #bytes = 0;

  constructor(starts: readonly Start[]) {
    for (const { topic, partition, offset } of starts) {
      this.#positions.set(`${topic}/${partition}`, offset);
    }
  }

  position(topic: string, partition: number): number {
    return this.#positions.get(`${topic}/${partition}`) ?? 0;
  }

  add(record: KafkaRecord): void {
    const { topic, partition, offset } = record;
    // What was fetched before the seek took effect.
    if (offset < this.position(topic, partition)) return;
    this.#positions.set(`${topic}/${partition}`, offset + 1);
    this.#records.push(record);
    this.#bytes += record.value?.length ?? 0;
    if (this.#records.length > keptRecords * 2 || this.#bytes > keptBytes) this.#forget();
  }

  #forget(): void {
    this.#records = this.#records.slice(Math.ceil(this.#records.length / 2));
    this.#bytes = this.#records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  }

  newestFirst(topic: string): KafkaRecord[] {
    return this.#records
      .filter((record) => record.topic === topic)
      .toSorted(
        (a, b) => b.timestampMs - a.timestampMs || b.partition - a.partition || b.offset - a.offset,
      );
  }
}
