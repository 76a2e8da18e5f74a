/** Records a batch of events in one transaction: entries, what was a duplicate, and the coverage of the topic. */
import type { Kysely, Transaction } from "kysely";
import { cover, type Coverage } from "../coverage/coverage.ts";
import {
  beginGeneration,
  currentGeneration,
  lockLogEnd,
  type LogEnd,
} from "../coverage/generation.ts";
import { toRanges } from "../coverage/offset-range.ts";
import type { AuditTables } from "../tables.ts";
import { type Arrival, type Duplicate, sortArrivals, type Sorted } from "./arrival.ts";
import { findClash, lookUp } from "./lookup.ts";
import { recordEntries } from "./record-entries.ts";

export interface RecordOptions {
  readonly topic: string;
  /** By default the clock of the database, which all replicas share. */
  readonly now?: (() => Date) | undefined;
}

export interface Recorded {
  readonly fresh: readonly Arrival[];
  /** Those that were not noted before. */
  readonly duplicates: readonly Duplicate[];
  readonly redelivered: readonly Arrival[];
  /** A record at a covered offset that is not the one recorded there: a new generation was begun. */
  readonly clash: Arrival | undefined;
}

/** Nearly always all events are new, and one call records them; what else they can be takes a look first. */
export async function recordBatch(
  db: Kysely<AuditTables>,
  arrivals: readonly Arrival[],
  options: RecordOptions,
): Promise<Recorded> {
  const coverage = coverageOf(arrivals);
  const now = options.now?.();
  const isRecorded =
    areDistinct(arrivals) &&
    (await recordEntries(db, arrivals, { isSifted: false, now, coverage }));
  if (!isRecorded) return siftAndRecord(db, arrivals, { ...options, coverage });
  return { fresh: arrivals, duplicates: [], redelivered: [], clash: undefined };
}

const areDistinct = (arrivals: readonly Arrival[]): boolean =>
  new Set(arrivals.map(({ key }) => key.toString("latin1"))).size === arrivals.length;

function siftAndRecord(
  db: Kysely<AuditTables>,
  arrivals: readonly Arrival[],
  { topic, now, coverage }: RecordOptions & { readonly coverage: Coverage },
): Promise<Recorded> {
  return db.transaction().execute(async (trx) => {
    const end = await lockLogEnd(trx);
    const first = { topic, begins: [], reason: "first record" };
    const present = end.generation ?? (await beginGeneration(trx, first));
    const lookup = await lookUp(trx, arrivals, present);
    const clash = await findClash(trx, arrivals, lookup.findings, present);
    const generation = clash === undefined ? present : await beginAnew(trx, topic, clash);
    const sorted = sortArrivals(arrivals, lookup.findings);
    const context = { end, generation, coverage, now: now?.() ?? lookup.now };
    return { ...(await write(trx, sorted, context)), clash };
  });
}

/** A topic that was made again begins at 0. */
async function beginAnew(
  trx: Transaction<AuditTables>,
  topic: string,
  clash: Arrival,
): Promise<string> {
  const before = await currentGeneration(trx);
  return beginGeneration(trx, {
    topic,
    begins: before?.begins.map(() => 0) ?? [],
    reason: `re-made behind our back: another record at ${placeOf(clash)}`,
  });
}

export const placeOf = ({ event: { position } }: Arrival): string =>
  position === null ? "no place" : `partition ${position.partition}, offset ${position.offset}`;

interface WriteContext {
  readonly end: LogEnd;
  readonly generation: string;
  /** Of the whole batch. */
  readonly coverage: Coverage;
  readonly now: Date;
}

async function write(
  trx: Transaction<AuditTables>,
  { fresh, ...sorted }: Sorted,
  { end, generation, coverage, now }: WriteContext,
): Promise<Omit<Recorded, "clash">> {
  // A clock that was set back must not put an entry before one that a reader has seen.
  const recordedAt = now > end.recordedAt ? now : end.recordedAt;
  if (fresh.length === 0) await cover(trx, generation, coverage);
  else await recordEntries(trx, fresh, { isSifted: true, now: recordedAt, coverage });
  const duplicates = await insertDuplicates(trx, sorted.duplicates, recordedAt, generation);
  const notedBefore = sorted.duplicates.filter((duplicate) => !duplicates.includes(duplicate));
  const redelivered = [...sorted.redelivered, ...notedBefore.map(({ arrival }) => arrival)];
  return { fresh, duplicates, redelivered };
}

async function insertDuplicates(
  trx: Transaction<AuditTables>,
  duplicates: readonly Duplicate[],
  recordedAt: Date,
  generation: string,
): Promise<Duplicate[]> {
  if (duplicates.length === 0) return [];
  const rows = duplicates.map(({ arrival: { event, key, content }, differs }) => ({
    key,
    content,
    differs,
    generation: event.position === null ? null : generation,
    partition: event.position?.partition ?? null,
    offset: event.position?.offset ?? null,
    recorded_at: recordedAt,
  }));
  const noted = await trx
    .insertInto("duplicate")
    .values(rows.sort((a, b) => a.key.compare(b.key)))
    .onConflict((conflict) => conflict.doNothing())
    .returning(["key", "partition", "offset"])
    .execute();
  const names = new Set(noted.map(({ key, ...place }) => nameOf(key, place)));
  return duplicates.filter(({ arrival: { key, event } }) => names.has(nameOf(key, event.position)));
}

const nameOf = (key: Buffer, place: { partition: number | null; offset: number | null } | null) =>
  `${key.toString("base64")} ${place?.partition ?? null} ${place?.offset ?? null}`;

function coverageOf(arrivals: readonly Arrival[]): Coverage {
  const offsets = new Map<number, number[]>();
  for (const { event } of arrivals) {
    if (event.position === null) continue;
    const { partition, offset } = event.position;
    const known = offsets.get(partition);
    if (known === undefined) offsets.set(partition, [offset]);
    else known.push(offset);
  }
  return new Map([...offsets].map(([partition, list]) => [partition, toRanges(list)]));
}
