/** CreateTopics. */
import { NODE_ID } from "../broker.ts";
import { defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import type { Reader } from "../protocol/reader.ts";
import { parseTopicConfig } from "../topic/topic-config.ts";
import { attempt } from "./attempt.ts";

type NewTopic = ReturnType<typeof readTopic>;

export const createTopics = defineApi({
  key: 19,
  name: "CreateTopics",
  versions: [2, 4],
  read(reader) {
    const topics = reader.array(() => readTopic(reader));
    reader.int32();
    return { topics, validateOnly: reader.boolean() };
  },
  async handle({ topics, validateOnly }, { broker }) {
    const byName = Map.groupBy(topics, ({ name }) => name);
    const results = [];
    for (const [name, [topic, ...others]] of byName) {
      const result = await attempt(async () => {
        if (!topic || others.length > 0)
          throw new KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.");
        const partitions = countPartitions(topic);
        const config = parseTopicConfig(topic.configs);
        if (validateOnly) broker.topics.checkCreatable(name, partitions);
        else await broker.topics.create(name, partitions, config);
      });
      results.push({ name, ...result });
    }
    return results;
  },
  write(writer, results) {
    writer
      .int32(0)
      .array(results, ({ name, error, message }) =>
        writer.string(name).int16(error).nullableString(message),
      );
  },
});

function readTopic(reader: Reader) {
  return {
    name: reader.string(),
    partitions: reader.int32(),
    replicationFactor: reader.int16(),
    assignments: reader.array(() => ({
      partition: reader.int32(),
      brokers: reader.array(() => reader.int32()),
    })),
    configs: reader.array(() => ({ name: reader.string(), value: reader.nullableString() })),
  };
}

/** -1 asks for the broker's default, which is 1 as in Kafka. */
function countPartitions({ partitions, replicationFactor, assignments }: NewTopic): number {
  if (assignments.length > 0 && partitions === -1 && replicationFactor === -1)
    return countAssigned(assignments);
  if (assignments.length > 0) {
    const message =
      "A manual partition assignment was specified, but the counts were not set to -1.";
    throw new KafkaError(ErrorCode.INVALID_REQUEST, message);
  }
  if (replicationFactor !== -1 && replicationFactor !== 1) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      replicationFactor < 1
        ? "Replication factor must be larger than 0, or -1 to use the default value."
        : `Unable to replicate the partition ${replicationFactor} time(s): there is one broker.`,
    );
  }
  return partitions === -1 ? 1 : partitions;
}

function countAssigned(assignments: NewTopic["assignments"]): number {
  const isSound = assignments
    .toSorted((a, b) => a.partition - b.partition)
    .every(
      ({ partition, brokers }, i) =>
        partition === i && brokers.length === 1 && brokers[0] === NODE_ID,
    );
  if (!isSound)
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Partitions count from 0 and lie on broker ${NODE_ID} alone.`,
    );
  return assignments.length;
}
