/** OffsetCommit: how far a group has read; answered when it is on disk. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import type { Reader } from "../../protocol/reader.ts";

/** `offset.metadata.max.bytes` of Kafka. */
const METADATA_LIMIT_BYTES = 4096;

export const offsetCommit = defineApi({
  key: 8,
  name: "OffsetCommit",
  versions: [2, 7],
  read(reader, version) {
    const group = {
      groupId: reader.string(),
      generation: reader.int32(),
      memberId: reader.string(),
    };
    const groupInstanceId = version >= 7 ? reader.nullableString() : null;
    if (version <= 4) reader.int64();
    const topics = reader.array(() => {
      const name = reader.string();
      return { name, partitions: reader.array(() => readPartition(reader, name, version)) };
    });
    return { ...group, groupInstanceId, topics };
  },
  async handle({ groupId, generation, memberId, groupInstanceId, topics }, { broker }) {
    const refusalOf = ({ topic, partition, metadata }: Commit): ErrorCode => {
      if (!broker.topics.get(topic)?.partitions[partition])
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      return Buffer.byteLength(metadata) > METADATA_LIMIT_BYTES
        ? ErrorCode.OFFSET_METADATA_TOO_LARGE
        : ErrorCode.NONE;
    };
    const commits = topics
      .flatMap(({ partitions }) => partitions)
      .filter((commit) => refusalOf(commit) === ErrorCode.NONE);
    const error = await broker.groups.commit(
      groupId,
      generation,
      { memberId, groupInstanceId },
      commits,
    );
    return topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((commit) => ({
        index: commit.partition,
        error: refusalOf(commit) || error,
      })),
    }));
  },
  write(writer, topics, version) {
    if (version >= 3) writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name).array(partitions, ({ index, error }) => writer.int32(index).int16(error));
    });
  },
});

type Commit = ReturnType<typeof readPartition>;

function readPartition(reader: Reader, topic: string, version: number) {
  return {
    topic,
    partition: reader.int32(),
    offset: reader.int64(),
    leaderEpoch: version >= 6 ? reader.int32() : -1,
    metadata: reader.nullableString() ?? "",
  };
}
