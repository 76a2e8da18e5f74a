/** A Kafka in a temporary folder, with what a test asks of it: the embedded log, in `make test-real` the real one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IHeaders, Kafka, KafkaMessage } from "kafkajs";
import { inject } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { createTopics } from "../../../lib/kafka/create-topics.ts";
import { startKafka, type RunningKafka } from "../../../local/kafka/server.ts";
import type { FoundParts } from "../../../local/real/install.ts";
import { startRealKafka } from "../../../local/real/kafka/kafka.ts";

export interface TopicLog extends AsyncDisposable {
  readonly kafka: Kafka;
  /** `host:port` */
  readonly address: string;
  /** Stops the log; its files stay. */
  stop(): Promise<void>;
  /** On the same port and files. */
  startAgain(): Promise<void>;
  createTopic(name: string, partitions: number): Promise<void>;
  produce(topic: string, messages: readonly LogMessage[]): Promise<void>;
  /** Everything on the topic, by partition and offset. */
  readAll(topic: string): Promise<(KafkaMessage & { partition: number })[]>;
  /** The offset of the next record, by partition. */
  ends(topic: string): Promise<Record<number, number>>;
  committed(groupId: string, topic: string): Promise<Record<number, number>>;
}

export interface LogMessage {
  readonly partition?: number;
  readonly key?: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers?: IHeaders;
  readonly timestamp?: string;
}

interface Server extends AsyncDisposable {
  readonly address: string;
  /** On the same port and files. */
  startAgain(): Promise<void>;
}

/** Undefined where the tests run on the embedded parts. */
const real = inject("realParts") as FoundParts | undefined;

async function startReal(dataDir: string, jars: string): Promise<Server> {
  const server = await startRealKafka({ dataDir, jars });
  return Object.assign(server, { startAgain: () => server.restart() });
}

async function startEmbedded(dataDir: string): Promise<Server> {
  let broker: RunningKafka = await startKafka({ dataDir, port: 0 });
  const { address, port } = broker;
  return {
    address,
    async startAgain() {
      broker = await startKafka({ dataDir, port });
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

export async function startLog(): Promise<TopicLog> {
  const dataDir = await mkdtemp(join(tmpdir(), "log-"));
  const jars = real?.kafka.path;
  const broker = await (jars === undefined ? startEmbedded(dataDir) : startReal(dataDir, jars));
  const { address } = broker;
  const kafka = openKafka({ brokers: address, clientId: "test" });
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  const stop = async () => {
    await broker[Symbol.asyncDispose]();
  };
  return {
    kafka,
    address,
    stop,
    startAgain: () => broker.startAgain(),
    async createTopic(topic, numPartitions) {
      await createTopics(kafka, [{ topic, numPartitions }]);
    },
    async produce(topic, messages) {
      await producer.send({
        topic,
        messages: messages.map(({ key = null, ...message }) => ({ key, ...message })),
      });
    },
    readAll: (topic) => readAll(kafka, topic),
    async ends(topic) {
      const ends = await admin.fetchTopicOffsets(topic);
      return Object.fromEntries(ends.map(({ partition, high }) => [partition, Number(high)]));
    },
    async committed(groupId, topic) {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return Object.fromEntries(
        (found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]),
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
      await stop();
      await rm(dataDir, { recursive: true });
    },
  };
}

async function readAll(kafka: Kafka, topic: string) {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const left = new Set(ends.filter(({ high }) => high !== "0").map(({ partition }) => partition));
  const found: (KafkaMessage & { partition: number })[] = [];
  if (left.size === 0) return found;
  const { promise: isComplete, resolve } = Promise.withResolvers<void>();
  const consumer = kafka.consumer({ groupId: `reader-${topic}`, maxWaitTimeInMs: 20 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ partition, message }) => {
      found.push({ ...message, partition });
      const end = ends.find((it) => it.partition === partition)?.high;
      if (Number(message.offset) + 1 === Number(end)) left.delete(partition);
      if (left.size === 0) resolve();
      return Promise.resolve();
    },
  });
  await isComplete;
  await consumer.disconnect();
  return found.toSorted((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

/** The headers of a CloudEvent in binary content mode, as Kafka has them. */
export const eventHeaders = (id: string, type = "task.created"): IHeaders => ({
  ce_specversion: "1.0",
  ce_id: id,
  ce_source: "/task-app",
  ce_type: type,
  "content-type": "application/json",
});
