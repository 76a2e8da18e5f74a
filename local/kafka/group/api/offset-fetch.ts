/** OffsetFetch: how far a group has read; -1 where it never said. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import type { CommittedOffset, OffsetStore } from "../offset-store.ts";

export const offsetFetch = defineApi({
  key: 9,
  name: "OffsetFetch",
  versions: [1, 5],
  read: (reader) => ({
    groupId: reader.string(),
    topics: reader.nullableArray(() => ({
      name: reader.string(),
      partitions: reader.array(() => reader.int32()),
    })),
  }),
  handle({ groupId, topics }, { broker }) {
    const { offsets } = broker.groups;
    const wanted = topics ?? allTopics(offsets, groupId);
    return wanted.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(
        (partition) => offsets.get(groupId, name, partition) ?? neverCommitted(name, partition),
      ),
    }));
  },
  write(writer, topics, version) {
    if (version >= 3) writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name).array(partitions, ({ partition, offset, leaderEpoch, metadata }) => {
        writer.int32(partition).int64(offset);
        if (version >= 5) writer.int32(leaderEpoch);
        writer.nullableString(metadata).int16(ErrorCode.NONE);
      });
    });
    if (version >= 2) writer.int16(ErrorCode.NONE);
  },
});

function allTopics(
  offsets: OffsetStore,
  groupId: string,
): { name: string; partitions: number[] }[] {
  const byTopic = Map.groupBy(offsets.list(groupId), ({ topic }) => topic);
  return [...byTopic].map(([name, committed]) => ({
    name,
    partitions: committed.map(({ partition }) => partition),
  }));
}

function neverCommitted(topic: string, partition: number): CommittedOffset {
  return { topic, partition, offset: -1, leaderEpoch: -1, metadata: "" };
}
