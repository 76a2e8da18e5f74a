/** Makes the topics that are missing and begins a generation for the one of the events. */
import type { Admin, Kafka } from "kafkajs";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { UsageError } from "../../../lib/host/error.ts";
import { createTopics } from "../../../lib/kafka/create-topics.ts";
import { readEarlier } from "../coverage/earlier.ts";
import { currentGeneration } from "../coverage/generation.ts";
import { countOffsets, formatRanges } from "../coverage/offset-range.ts";
import type { AuditTables } from "../tables.ts";
import { begin, raiseWhereRemade } from "./raise-generation.ts";
import { readTopicExtent } from "./topic-extent.ts";

export interface MakeTopicsOptions {
  readonly kafka: Kafka;
  readonly db: Kysely<AuditTables>;
  /** The first one has the events. */
  readonly topics: readonly [string, ...string[]];
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly log: Logger;
}

export async function makeTopics(options: MakeTopicsOptions): Promise<void> {
  const { kafka, db, topics, partitions, log } = options;
  const [eventTopic] = topics;
  const admin = kafka.admin();
  await admin.connect();
  try {
    const counts = await countPartitions(admin, topics);
    refuseShrinking(counts, partitions);
    // Before the topic: a record must not reach the audit log under the generation of the topic that is gone.
    if (!counts.has(eventTopic)) {
      const before = await currentGeneration(db);
      const begins = Array.from({ length: partitions }, () => 0);
      const instead = before?.generation ?? null;
      const made = await begin(db, instead, { topic: eventTopic, begins, reason: "made" });
      log.info({ generation: made.generation }, `a generation of ${eventTopic} begins`);
      if (before !== undefined) await tellLost(db, before.generation, log);
    }
    await createMissing(counts, options);
    await addPartitions(admin, counts, options);
  } finally {
    await admin.disconnect();
  }
  await checkExisting(options);
}

/** Of the topic that is gone, up to where it was last seen to reach. */
async function tellLost(db: Kysely<AuditTables>, ended: string, log: Logger): Promise<void> {
  const earlier = (await readEarlier(db)).find(({ generation }) => generation === ended);
  for (const [partition, ranges] of earlier?.lost ?? []) {
    const lost = countOffsets(ranges);
    log.error(
      { generation: ended, partition, lost, offsets: formatRanges(ranges) },
      `${lost} offsets of the topic before are lost: they were never recorded`,
    );
  }
}

async function countPartitions(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const existing = new Set(await admin.listTopics());
  const asked = topics.filter((topic) => existing.has(topic));
  if (asked.length === 0) return new Map();
  const metadata = await admin.fetchTopicMetadata({ topics: asked });
  return new Map(metadata.topics.map((topic) => [topic.name, topic.partitions.length]));
}

function refuseShrinking(counts: ReadonlyMap<string, number>, partitions: number): void {
  for (const [topic, count] of counts) {
    if (count <= partitions) continue;
    throw new UsageError(
      `The topic ${topic} has ${count} partitions and PARTITIONS asks for ${partitions}: Kafka cannot take partitions away.`,
    );
  }
}

async function createMissing(
  counts: ReadonlyMap<string, number>,
  { kafka, topics, partitions, replicationFactor, log }: MakeTopicsOptions,
): Promise<void> {
  const missing = topics.filter((topic) => !counts.has(topic));
  if (missing.length === 0) return;
  await createTopics(
    kafka,
    missing.map((topic) => ({ topic, numPartitions: partitions, replicationFactor })),
  );
  log.info({ topics: missing, partitions }, "topics made");
}

/** From then on a task's later events may lie in another partition than its earlier ones. */
async function addPartitions(
  admin: Admin,
  counts: ReadonlyMap<string, number>,
  { partitions, log }: MakeTopicsOptions,
): Promise<void> {
  const small = [...counts].filter(([, count]) => count < partitions);
  if (small.length === 0) return;
  await admin.createPartitions({
    topicPartitions: small.map(([topic]) => ({ topic, count: partitions })),
  });
  for (const [topic, count] of small) {
    log.warn(
      { topic, before: count, partitions },
      "partitions added: keys map to others from now on",
    );
  }
}

/** A topic that was there may be another one than the recorded. */
async function checkExisting({ kafka, db, topics, log }: MakeTopicsOptions): Promise<void> {
  const [topic] = topics;
  const raised = await raiseWhereRemade(db, topic, async () => {
    const extent = await readTopicExtent(kafka, topic);
    if (extent === undefined)
      throw new Error(`the topic ${topic} went away while it was looked at`);
    return extent;
  });
  if (raised.isAlarm) {
    log.error(
      { generation: raised.generation },
      `the topic was ${raised.reason}; a generation begins`,
    );
  } else if (raised.reason !== undefined) {
    log.info({ generation: raised.generation }, `a generation of the existing ${topic} begins`);
  }
}
