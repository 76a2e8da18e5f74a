/** Makes topics, and waits until each partition is served. */
import type { ITopicConfig, Kafka } from "kafkajs";
import { ask } from "./ask.ts";

/**
 * Not by `waitForLeaders`: a broker that has not heard of the topic yet makes kafkajs give up, and one that has
 * refuses records until its log is there, which a producer then may send twice.
 */
export async function createTopics(kafka: Kafka, topics: ITopicConfig[]): Promise<void> {
  // Of its own: an admin that has asked for offsets wants that topic to be there for ever.
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics, waitForLeaders: false });
    for (const { topic } of topics) await ask(() => admin.fetchTopicOffsets(topic));
  } finally {
    await admin.disconnect();
  }
}
