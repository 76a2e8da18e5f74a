/** The topics of Brokers that are on no topic of others, made as Knative's controller makes them: what is there stays as it is. */
import kafkajs, { type Kafka } from "kafkajs";
import { ManifestError, type Problem } from "../manifest/error.ts";
import type { BrokerPlan } from "../plan/broker.ts";

const { KafkaJSAggregateError } = kafkajs;

export async function makeBrokerTopics(
  brokers: readonly BrokerPlan[],
  kafka: Kafka,
): Promise<void> {
  if (brokers.every(({ made }) => made === undefined)) return;
  const admin = kafka.admin();
  await admin.connect();
  const problems: Problem[] = [];
  for (const { topic, made, at } of brokers) {
    if (made === undefined) continue;
    const { partitions: numPartitions, replicationFactor, configs } = made;
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    try {
      await admin.createTopics({
        topics: [{ topic, numPartitions, replicationFactor, configEntries }],
      });
    } catch (error) {
      const sentence = `Kafka does not make the topic ${topic}: ${causeOf(error)}`;
      problems.push({ ...at, sentence });
    }
  }
  await admin.disconnect();
  if (problems.length > 0) throw new ManifestError(problems);
}

/** Of an error for several topics, what is wrong with the one. */
const causeOf = (error: unknown): string =>
  String(error instanceof KafkaJSAggregateError ? error.errors[0] : error);
