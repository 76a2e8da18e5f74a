/** CreatePartitions: raises the number of partitions of topics. */
import { NODE_ID, type Broker } from "../broker.ts";
import { defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { attempt } from "./attempt.ts";

type Assignments = readonly (readonly number[])[] | null;

export const createPartitions = defineApi({
  key: 37,
  name: "CreatePartitions",
  versions: [0, 1],
  read(reader) {
    const topics = reader.array(() => ({
      name: reader.string(),
      count: reader.int32(),
      assignments: reader.nullableArray(() => reader.array(() => reader.int32())),
    }));
    reader.int32();
    return { topics, validateOnly: reader.boolean() };
  },
  async handle({ topics, validateOnly }, { broker }) {
    const byName = Map.groupBy(topics, ({ name }) => name);
    const results = [];
    for (const [name, [topic, ...others]] of byName) {
      const outcome = await attempt(async () => {
        if (!topic || others.length > 0)
          throw new KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.");
        const { count, assignments } = topic;
        checkCount(broker, name, count, assignments);
        if (!validateOnly) await broker.topics.addPartitions(name, count);
      });
      results.push({ name, ...outcome });
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

function checkCount(broker: Broker, name: string, count: number, assignments: Assignments): void {
  const present = broker.topics.topic(name).partitions.length;
  if (count <= present)
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      count === present
        ? `Topic already has ${present} partition(s).`
        : `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`,
    );
  if (assignments === null) return;
  const isSound =
    assignments.length === count - present &&
    assignments.every((brokers) => brokers.length === 1 && brokers[0] === NODE_ID);
  if (!isSound)
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Each new partition lies on broker ${NODE_ID} alone.`,
    );
}
