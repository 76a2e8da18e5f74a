/** Metadata: the broker, its topics and their partitions. Makes a missing topic where the client allows it. */
import { NODE_ID, type Broker } from "../broker.ts";
import { defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import type { Writer } from "../protocol/writer.ts";
import { TopicConfig } from "../topic/topic-config.ts";
import { isValidTopicName } from "../topic/topic-name.ts";

interface TopicMetadata {
  readonly error: ErrorCode;
  readonly name: string;
  readonly partitions: number;
}

export const metadata = defineApi({
  key: 3,
  name: "Metadata",
  versions: [0, 6],
  read(reader, version) {
    const topics = reader.nullableArray(() => reader.string());
    const wantsAll = topics === null || (version === 0 && topics.length === 0);
    return { topics: wantsAll ? null : topics, mayCreate: version < 4 || reader.boolean() };
  },
  async handle({ topics, mayCreate }, { broker, host, port }) {
    const names = topics ? new Set(topics) : broker.topics.list().map(({ name }) => name);
    const described: TopicMetadata[] = [];
    for (const name of names) described.push(await describe(broker, name, mayCreate));
    return { host, port, clusterId: broker.topics.clusterId, topics: described };
  },
  write(writer, { host, port, clusterId, topics }, version) {
    if (version >= 3) writer.int32(0);
    writer.array([NODE_ID], (id) => {
      writer.int32(id).string(host).int32(port);
      if (version >= 1) writer.nullableString(null);
    });
    if (version >= 2) writer.nullableString(clusterId);
    if (version >= 1) writer.int32(NODE_ID);
    writer.array(topics, (topic) => writeTopic(writer, topic, version));
  },
});

async function describe(broker: Broker, name: string, mayCreate: boolean): Promise<TopicMetadata> {
  const known = broker.topics.get(name);
  if (known) return { error: ErrorCode.NONE, name, partitions: known.partitions.length };
  if (!isValidTopicName(name)) return { error: ErrorCode.INVALID_TOPIC, name, partitions: 0 };
  if (!mayCreate || !broker.autoCreateTopics)
    return { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: 0 };
  try {
    const made = await broker.topics.create(name, 1, new TopicConfig());
    return { error: ErrorCode.NONE, name, partitions: made.partitions.length };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    // Another client made it in the meantime.
    if (error.code === ErrorCode.TOPIC_ALREADY_EXISTS) return describe(broker, name, false);
    return { error: error.code, name, partitions: 0 };
  }
}

function writeTopic(
  writer: Writer,
  { error, name, partitions }: TopicMetadata,
  version: number,
): void {
  writer.int16(error).string(name);
  if (version >= 1) writer.boolean(false);
  writer.array([...Array(partitions).keys()], (index) => {
    writer.int16(ErrorCode.NONE).int32(index).int32(NODE_ID);
    writer.array([NODE_ID], (id) => writer.int32(id)).array([NODE_ID], (id) => writer.int32(id));
    if (version >= 5) writer.array([], () => {});
  });
}
