/** Ends a generation on purpose: what can still be read is recorded, then the topic is deleted, to be made again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Admin, Kafka } from "kafkajs";
import type { Logger } from "pino";
import { Registry } from "prom-client";
import { UsageError } from "../../../lib/host/error.ts";
import { currentGeneration } from "../coverage/generation.ts";
import { openAuditMetrics } from "../metric.ts";
import { openRecorder } from "../record/recorder.ts";
import type { AuditStore } from "../store.ts";
import { fillHoles } from "./fill-holes.ts";

export interface EndGenerationOptions {
  readonly store: AuditStore;
  readonly kafka: Kafka;
  readonly topic: string;
  /** Of the generation that ends. One that has ended already is left alone: a Job may run again. */
  readonly number: number;
  readonly log: Logger;
  readonly stallMs?: number;
}

const DELETION_LIMIT_MS = 30_000;
const LOOK_MS = 100;

export async function endGeneration(options: EndGenerationOptions): Promise<void> {
  const { store, kafka, topic, number, log } = options;
  const present = (await currentGeneration(store.writer()))?.number ?? 0;
  if (number > present) {
    throw new UsageError(
      `REMAKE_GENERATION is ${number}, but the present generation of ${topic} is ${present}: give that one's number to make the topic again.`,
    );
  }
  if (number < present) return;
  const admin = kafka.admin();
  await admin.connect();
  try {
    // It was deleted by a run that did not get further.
    if (!(await admin.listTopics()).includes(topic)) return;
    const groups = (await readGroups(admin, topic)).filter(({ name }) => !isGateway(name));
    refuseReaders(groups, topic);
    if (!(await recordRest(options))) return;
    await tellUndelivered(admin, groups, topic, log);
    await deleteTopic(admin, topic);
    log.info({ number }, `generation ${number} of ${topic} ends: the topic was deleted`);
  } finally {
    await admin.disconnect();
  }
}

/** False where the topic is another one than was recorded: a generation of its own has begun with that alarm. */
async function recordRest({
  store,
  kafka,
  topic,
  log,
  stallMs = 15_000,
}: EndGenerationOptions): Promise<boolean> {
  const metrics = openAuditMetrics(new Registry());
  const recorder = openRecorder({ store, topic, log, metrics });
  const { alarm } = await fillHoles({ store, recorder, kafka, topic, log, stallMs });
  return alarm === null;
}

interface Group {
  readonly name: string;
  readonly isReading: boolean;
  readonly committed: ReadonlyMap<number, number>;
}

/** Those that have committed offsets of the topic. */
async function readGroups(admin: Admin, topic: string): Promise<Group[]> {
  const names = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
  const known = names.length === 0 ? [] : (await admin.describeGroups(names)).groups;
  const groups = await Promise.all(
    known.map(async ({ groupId: name, members }) => {
      const [ofTopic] = await admin.fetchOffsets({ groupId: name, topics: [topic] });
      const offsets = (ofTopic?.partitions ?? []).map(
        ({ partition, offset }) => [partition, Number(offset)] as const,
      );
      const committed = new Map(offsets.filter(([, offset]) => offset >= 0));
      return { name, isReading: members.length > 0, committed };
    }),
  );
  return groups.filter(({ committed }) => committed.size > 0);
}

/** A delivery of the old topic must not be taken for one of the new. */
function refuseReaders(groups: readonly Group[], topic: string): void {
  const reading = groups.filter(({ isReading }) => isReading).map(({ name }) => name);
  if (reading.length === 0) return;
  throw new UsageError(
    `${reading.join(", ")} still read ${topic}: let the sources deliver everything and stop them (consumers: 0) before the topic is made again.`,
  );
}

/** It sees by itself that the topic is another one, and shows its clients from the audit log what they missed. */
const isGateway = (name: string): boolean => /^websocket-gateway-\d+$/.test(name);

async function tellUndelivered(
  admin: Admin,
  groups: readonly Group[],
  topic: string,
  log: Logger,
): Promise<void> {
  const ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => {
    return { partition, low: Number(low), high: Number(high) };
  });
  for (const { name, committed } of groups) {
    const records = ends.reduce((sum, { partition, low, high }) => {
      return sum + Math.max(0, high - Math.max(committed.get(partition) ?? low, low));
    }, 0);
    if (records === 0) continue;
    log.error({ group: name, records }, `${records} records were not delivered to ${name}: lost`);
  }
}

async function deleteTopic(admin: Admin, topic: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] });
  const deadline = performance.now() + DELETION_LIMIT_MS;
  while ((await admin.listTopics()).includes(topic)) {
    if (performance.now() > deadline) throw new Error(`Kafka does not delete ${topic}`);
    await delay(LOOK_MS);
  }
}
