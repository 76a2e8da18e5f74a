/** A command's connection to Kafka. */
import type { Admin, Kafka } from "kafkajs";
import { UsageError } from "../../lib/host/error.ts";
import { readVariables } from "../../lib/host/variables.ts";
import { openKafka } from "../../lib/kafka/client.ts";
import { readKafkaEnv } from "../../lib/kafka/env.ts";
import { kafkaUnusable } from "../../lib/kafka/mistake.ts";

export interface KafkaSession extends AsyncDisposable {
  readonly kafka: Kafka;
  readonly admin: Admin;
  /** As given by the person. */
  readonly brokers: string;
}

export async function openSession(brokers: string): Promise<KafkaSession> {
  // SASL and TLS by the same variables as the functions have.
  const read = readVariables({ ...process.env, KAFKA_BROKER: brokers });
  const env = readKafkaEnv(read);
  read.check();
  const kafka = openKafka({
    ...env,
    clientId: "task-events-cli",
    // A person waits: one who mistyped the address, for a second.
    config: { retry: { initialRetryTime: 100, retries: 3, maxRetryTime: 1_000 } },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
  } catch (cause) {
    const { message } = kafkaUnusable(cause, env);
    throw new UsageError(`${message} Start it with \`make start\`, or name another with --kafka.`, {
      cause,
    });
  }
  return { kafka, admin, brokers, [Symbol.asyncDispose]: () => admin.disconnect() };
}

/** What a topic has now; index: partition. */
export type Extent = readonly { readonly low: number; readonly high: number }[];

/** Undefined where there is no such topic: asking Kafka for its offsets could make it. */
export async function findExtent(
  { admin }: KafkaSession,
  topic: string,
): Promise<Extent | undefined> {
  if (!(await admin.listTopics()).includes(topic)) return undefined;
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .sort((a, b) => a.partition - b.partition)
    .map(({ low, high }) => ({ low: Number(low), high: Number(high) }));
}

export async function readExtent(session: KafkaSession, topic: string): Promise<Extent> {
  const extent = await findExtent(session, topic);
  if (extent !== undefined) return extent;
  throw new UsageError(`There is no topic ${topic} at ${session.brokers}.`);
}
