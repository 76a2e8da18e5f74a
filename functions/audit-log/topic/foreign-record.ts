/** Looks whether the records of the topic are still those that were recorded: one that was re-made may be longer than before. */
import type { Kafka } from "kafkajs";
import type { KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { readCoverage } from "../coverage/coverage.ts";
import { beginGeneration, lockLogEnd } from "../coverage/generation.ts";
import type { OffsetRange } from "../coverage/offset-range.ts";
import { toArrival } from "../record/arrival.ts";
import { findClash, lookUp } from "../record/lookup.ts";
import { placeOf } from "../record/record-batch.ts";
import type { AuditStore } from "../store.ts";
import { readHoles } from "./read-holes.ts";
import type { Raised } from "./raise-generation.ts";
import type { TopicExtent } from "./topic-extent.ts";
import { toAuditedEvent } from "./undeliverable.ts";

export interface ForeignRecordOptions {
  readonly store: AuditStore;
  readonly kafka: Kafka;
  readonly topic: string;
  readonly generation: string;
  readonly extent: TopicExtent;
  readonly stallMs: number;
}

/** Undefined where the generation holds. */
export async function raiseWhereForeign(
  options: ForeignRecordOptions,
): Promise<Raised | undefined> {
  const { store, kafka, topic, generation, extent, stallMs } = options;
  const coverage = await readCoverage(store.writer(), generation);
  const samples = [...coverage].map(
    ([partition, ranges]) => [partition, sample(ranges, extent[partition]?.low ?? 0)] as const,
  );
  const holes = new Map(samples.filter(([, ranges]) => ranges.length > 0));
  if (holes.size === 0) return undefined;
  const records: KafkaRecord[] = [];
  const onRecord = async (record: KafkaRecord): Promise<void> => void records.push(record);
  await readHoles({ kafka, topic, holes, stallMs, onRecord });
  if (records.length === 0) return undefined;
  return await compare(options, records);
}

/** The first recorded offset that the topic still has, and the last one. */
function sample(ranges: readonly OffsetRange[], low: number): OffsetRange[] {
  const kept = ranges.filter(({ end }) => end > low);
  const first = Math.max(kept[0]?.first ?? 0, low);
  const last = (kept.at(-1)?.end ?? 0) - 1;
  const offsets = last > first ? [first, last] : [first];
  return kept.length === 0 ? [] : offsets.map((at) => ({ first: at, end: at + 1 }));
}

function compare(
  { store, topic, generation, extent }: ForeignRecordOptions,
  records: readonly KafkaRecord[],
): Promise<Raised | undefined> {
  const arrivals = records.map((record) => toArrival(toAuditedEvent(record, new Date())));
  return store
    .writer()
    .transaction()
    .execute(async (trx) => {
      if ((await lockLogEnd(trx)).generation !== generation) return undefined;
      const { findings } = await lookUp(trx, arrivals, generation);
      const clash = await findClash(trx, arrivals, findings, generation);
      if (clash === undefined) return undefined;
      const reason = `re-made behind our back: another record is at ${placeOf(clash)}`;
      const begins = extent.map(({ low }) => low);
      const raised = await beginGeneration(trx, { topic, begins, reason });
      return { generation: raised, reason, isAlarm: true };
    });
}
