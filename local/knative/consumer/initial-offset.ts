/** `initialOffset: latest`, as Knative does it before a resource is Ready: a new group starts at the end as it is now. */
import type { Kafka, TopicPartitionOffset } from "kafkajs";
import { ask } from "../../../lib/kafka/ask.ts";

/** Bounds how long leaving the group takes; kafkajs' own admin.setOffsets waits for its default of 5 s. */
const longPollMs = 100;

/** Commits the end of each partition for which the group has no offset, so that it counts even if its consumer joins later. */
export async function commitEnds(
  kafka: Kafka,
  groupId: string,
  topics: readonly string[],
): Promise<void> {
  const ends = await endsOfUnread(kafka, groupId, topics);
  if (ends.length === 0) return;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: longPollMs,
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...topics] });
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    await consumer.commitOffsets(ends);
  } finally {
    await consumer.disconnect();
  }
}

async function endsOfUnread(
  kafka: Kafka,
  groupId: string,
  topics: readonly string[],
): Promise<TopicPartitionOffset[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const committed = await ask(() => admin.fetchOffsets({ groupId, topics: [...topics] }));
    const unread = committed.map(async ({ topic, partitions }) => {
      const isUnread = new Set(
        partitions.filter(({ offset }) => offset === "-1").map(({ partition }) => partition),
      );
      if (isUnread.size === 0) return [];
      const ends = await ask(() => admin.fetchTopicOffsets(topic));
      return ends
        .filter(({ partition }) => isUnread.has(partition))
        .map(({ partition, high }) => ({ topic, partition, offset: high }));
    });
    return (await Promise.all(unread)).flat();
  } finally {
    await admin.disconnect();
  }
}
