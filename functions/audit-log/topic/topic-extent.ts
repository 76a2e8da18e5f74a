/** What the topic has now, and whether it can still be the one whose offsets were recorded. */
import type { Kafka } from "kafkajs";
import { ask } from "../../../lib/kafka/ask.ts";
import type { Coverage } from "../coverage/coverage.ts";

/** Index: partition. */
export type TopicExtent = readonly { readonly low: number; readonly high: number }[];

/** Undefined where there is no such topic. */
export async function readTopicExtent(
  kafka: Kafka,
  topic: string,
): Promise<TopicExtent | undefined> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    // Asking for a topic's offsets could make it.
    if (!(await admin.listTopics()).includes(topic)) return undefined;
    const offsets = await ask(() => admin.fetchTopicOffsets(topic));
    return offsets
      .sort((a, b) => a.partition - b.partition)
      .map(({ low, high }) => ({ low: Number(low), high: Number(high) }));
  } finally {
    await admin.disconnect();
  }
}

/** The sentence of the alarm, or undefined. `coverage` must have been read before `extent`. */
export function shortened(coverage: Coverage, extent: TopicExtent): string | undefined {
  for (const [partition, ranges] of coverage) {
    const covered = ranges.at(-1)?.end ?? 0;
    const high = extent[partition]?.high ?? 0;
    if (high < covered) {
      return `re-made behind our back: partition ${partition} ends at ${high}, but ${covered} is recorded`;
    }
  }
  return undefined;
}
