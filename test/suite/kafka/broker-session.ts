/** One test's clients: made when asked for, gone with the test. */
import { randomUUID } from "node:crypto";
import type {
  Admin,
  Consumer,
  ConsumerConfig,
  Kafka,
  KafkaMessage,
  Producer,
  ProducerConfig,
} from "kafkajs";
import { vi } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { openWire, type Wire } from "../../support/kafka-wire.ts";

export type ReceivedMessage = KafkaMessage & { readonly partition: number };

export interface BrokerSession extends AsyncDisposable {
  readonly admin: Admin;
  topic(partitions?: number, config?: Record<string, string>): Promise<string>;
  producer(config?: ProducerConfig): Promise<Producer>;
  consumer(config: ConsumerConfig): Promise<Consumer>;
  wire(): Promise<Wire>;
  /** Reads from the beginning until so many messages are there. */
  read(topic: string, count: number): Promise<ReceivedMessage[]>;
}

export async function openSession(broker: string): Promise<BrokerSession> {
  const kafka = openKafka({
    brokers: broker,
    clientId: "suite",
    config: { retry: { initialRetryTime: 30, retries: 8 } },
  });
  await using opening = new AsyncDisposableStack();
  const admin = kafka.admin();
  await admin.connect();
  opening.defer(() => admin.disconnect());
  const held = opening.move();
  return {
    admin,
    async topic(numPartitions = 1, config = {}) {
      const topic = `suite_${randomUUID()}`;
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      await admin.createTopics({
        topics: [{ topic, numPartitions, configEntries }],
        waitForLeaders: false,
      });
      // Kafka answers before its brokers lead the partitions, and kafkajs' own wait gives up at that.
      await vi.waitFor(() => admin.fetchTopicOffsets(topic), { timeout: 10_000 });
      return topic;
    },
    async producer(config) {
      const producer = kafka.producer(config);
      await producer.connect();
      held.defer(() => producer.disconnect());
      return producer;
    },
    async consumer(config) {
      const consumer = await connectConsumer(kafka, config);
      held.defer(() => consumer.disconnect());
      return consumer;
    },
    wire: async () => held.use(await openWire(broker)),
    read: (topic, count) => readMessages(kafka, topic, count),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function connectConsumer(kafka: Kafka, config: ConsumerConfig): Promise<Consumer> {
  const consumer = kafka.consumer({ maxWaitTimeInMs: 50, ...config });
  await consumer.connect();
  return consumer;
}

async function readMessages(
  kafka: Kafka,
  topic: string,
  count: number,
): Promise<ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  const consumer = await connectConsumer(kafka, { groupId: `read-${randomUUID()}` });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    // A coordinator that is just being loaded is retried.
    if (!payload.restart) reject(payload.error);
  });
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      messages.push({ ...message, partition });
      if (messages.length === count) resolve();
    },
  });
  try {
    await promise;
  } finally {
    await consumer.disconnect();
  }
  return messages;
}
