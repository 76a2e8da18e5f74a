/** Reads what is not recorded from the topic and records it; what is gone or never was is told apart. */
import type { Kafka } from "kafkajs";
import type { Logger } from "pino";
import { PermanentError, UsageError } from "../../../lib/host/error.ts";
import type { KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { coverVoid, readCoverage } from "../coverage/coverage.ts";
import { noteTopicEnd } from "../coverage/earlier.ts";
import { currentGeneration, lockLogEnd } from "../coverage/generation.ts";
import { countOffsets, holesIn, type OffsetRange } from "../coverage/offset-range.ts";
import type { Recorder } from "../record/recorder.ts";
import type { AuditStore } from "../store.ts";
import { raiseWhereForeign } from "./foreign-record.ts";
import { clip } from "./hole-reader.ts";
import { type Raised, raiseWhereRemade } from "./raise-generation.ts";
import { readHoles } from "./read-holes.ts";
import { readTopicExtent, type TopicExtent } from "./topic-extent.ts";
import { toAuditedEvent } from "./undeliverable.ts";

export interface FillHolesOptions {
  readonly store: AuditStore;
  readonly recorder: Recorder;
  readonly kafka: Kafka;
  readonly topic: string;
  readonly log: Logger;
  readonly stallMs: number;
}

/** Numbers of offsets. */
export interface VerifyReport {
  readonly missing: number;
  readonly recorded: number;
  /** Inside the log, but the fetch passed them over. */
  readonly voids: number;
  /** Below the log's start: they stay holes. */
  readonly lost: number;
  /** Behind an open transaction: the next run reads them. */
  readonly unread: number;
  /** The database refuses to store them. */
  readonly refused: number;
  /** The sentence of the alarm, where the topic was re-made behind our back. */
  readonly alarm: string | null;
}

type Holes = ReadonlyMap<number, readonly OffsetRange[]>;

export async function fillHoles(options: FillHolesOptions): Promise<VerifyReport> {
  const { store, kafka, topic, log, stallMs } = options;
  const raised = await raise(options);
  if (raised.isAlarm) log.error(`the topic was ${raised.reason}; a new generation begins`);
  const ends = raised.extent.map(({ high }) => high);
  await noteTopicEnd(store.writer(), raised.generation, ends);
  const holes = await findHoles(options, raised.generation, raised.extent);
  const inside = clipAll(holes, (partition) => raised.extent[partition]?.low ?? 0);
  const tally = { recorded: 0, refused: 0 };
  const read = await readHoles({
    kafka,
    topic,
    holes: inside,
    stallMs,
    onRecord: (record) => fill(record, options, tally),
  });
  // Retention may have deleted while it was read: what lies below the log's start now is not void but lost.
  const extent = read.passedOver.size === 0 ? raised.extent : await extentOf(kafka, topic);
  const voids = clipAll(read.passedOver, (partition) => extent[partition]?.low ?? 0);
  const unread = count(read.unread);
  await noteVoids(options, raised.generation, voids);
  const missing = count(holes);
  const lost = missing - tally.recorded - tally.refused - count(voids) - unread;
  return {
    missing,
    ...tally,
    voids: count(voids),
    lost,
    unread,
    alarm: raised.isAlarm ? (raised.reason ?? null) : null,
  };
}

async function raise({
  store,
  kafka,
  topic,
  stallMs,
}: FillHolesOptions): Promise<Raised & { readonly extent: TopicExtent }> {
  const remade = await raiseWhereRemade(store.writer(), topic, () => extentOf(kafka, topic));
  const { generation, extent, reason } = remade;
  if (reason !== undefined) return remade;
  const foreign = await raiseWhereForeign({ store, kafka, topic, generation, extent, stallMs });
  return { ...remade, ...foreign };
}

async function extentOf(kafka: Kafka, topic: string): Promise<TopicExtent> {
  const extent = await readTopicExtent(kafka, topic);
  if (extent === undefined) throw new UsageError(`There is no topic ${topic}: run the Job topics.`);
  return extent;
}

async function findHoles(
  { store }: FillHolesOptions,
  generation: string,
  extent: TopicExtent,
): Promise<Holes> {
  const coverage = await readCoverage(store.writer(), generation);
  const begins = (await currentGeneration(store.writer()))?.begins ?? [];
  const holes = extent.map(
    ({ high }, partition) =>
      [partition, holesIn(coverage.get(partition) ?? [], begins[partition] ?? 0, high)] as const,
  );
  return new Map(holes.filter(([, ranges]) => ranges.length > 0));
}

function clipAll(holes: Holes, lowOf: (partition: number) => number): Holes {
  const clipped = [...holes].map(
    ([partition, ranges]) =>
      [
        partition,
        ranges.flatMap((range) => clip(range, lowOf(partition), Number.MAX_SAFE_INTEGER)),
      ] as const,
  );
  return new Map(clipped.filter(([, ranges]) => ranges.length > 0));
}

const count = (holes: Holes): number => countOffsets([...holes.values()].flat());

async function fill(
  record: KafkaRecord,
  { recorder, log }: FillHolesOptions,
  tally: { recorded: number; refused: number },
): Promise<void> {
  try {
    await recorder.record(toAuditedEvent(record, new Date()));
    tally.recorded++;
  } catch (error) {
    // It stays a hole, and the others are recorded all the same.
    if (!(error instanceof PermanentError)) throw error;
    tally.refused++;
    const { partition, offset } = record;
    log.error({ err: error.cause, partition, offset }, "a record of the topic cannot be stored");
  }
}

/** Only while the generation is still the one that was read. */
async function noteVoids(
  { store }: FillHolesOptions,
  generation: string,
  voids: Holes,
): Promise<void> {
  if (voids.size === 0) return;
  await store
    .writer()
    .transaction()
    .execute(async (trx) => {
      const end = await lockLogEnd(trx);
      if (end.generation === generation) await coverVoid(trx, generation, voids);
    });
}
