/** What the log has of the topic, for an operator: `GET /coverage`. */
import { type Kysely, sql } from "kysely";
import { readCoverage } from "../coverage/coverage.ts";
import { readEarlier } from "../coverage/earlier.ts";
import { type OffsetRange, parseRanges } from "../coverage/offset-range.ts";
import type { AuditTables } from "../tables.ts";

/** `[first, end)` each. */
type Ranges = readonly (readonly [number, number])[];

export interface CoverageReport {
  readonly topic: string;
  /** Null before the topic's first record or command. */
  readonly generation: {
    readonly id: string;
    readonly number: number;
    readonly began_at: string;
    /** Why it began: `made`, `found`, `first record`, or the alarm's sentence. */
    readonly reason: string;
  } | null;
  readonly partitions: readonly {
    readonly partition: number;
    /** First offset of the generation. */
    readonly begin: number;
    readonly covered: Ranges;
    /** Of the covered ones: offsets that hold no record. */
    readonly voids: Ranges;
  }[];
  /** Generations whose topic is gone, the oldest first. */
  readonly earlier: readonly {
    readonly number: number;
    readonly began_at: string;
    /** Why the next one began. */
    readonly ended: string;
    /** Up to where the topic was seen to reach. */
    readonly lost: readonly { readonly partition: number; readonly offsets: Ranges }[];
  }[];
  /** Second records of an event that has its entry; of all generations. */
  readonly duplicates: { readonly same: number; readonly different: number };
}

export async function readCoverageReport(
  db: Kysely<AuditTables>,
  topic: string,
): Promise<CoverageReport> {
  const duplicates = await countDuplicates(db);
  const current = await db
    .selectFrom("log_end")
    .innerJoin("generation", "generation.generation", "log_end.generation")
    .select(["generation.generation", "number", "reason", "began_at"])
    .select(sql<number[]>`to_json(generation.begins)`.as("begins"))
    .executeTakeFirst();
  if (current === undefined) {
    return { topic, generation: null, partitions: [], earlier: [], duplicates };
  }
  const { generation, begins } = current;
  const coverage = await readCoverage(db, generation);
  const voids = await readVoids(db, generation);
  const count = Math.max(begins.length, ...[...coverage.keys()].map((index) => index + 1));
  return {
    topic,
    generation: {
      id: generation,
      number: current.number,
      began_at: current.began_at.toISOString(),
      reason: current.reason,
    },
    partitions: Array.from({ length: count }, (_, partition) => ({
      partition,
      begin: begins[partition] ?? 0,
      covered: toPairs(coverage.get(partition) ?? []),
      voids: toPairs(voids.get(partition) ?? []),
    })),
    earlier: await readEarlierReport(db),
    duplicates,
  };
}

const readEarlierReport = async (db: Kysely<AuditTables>): Promise<CoverageReport["earlier"]> =>
  (await readEarlier(db)).map(({ number, beganAt, ended, lost }) => ({
    number,
    began_at: beganAt.toISOString(),
    ended,
    lost: [...lost].map(([partition, ranges]) => ({ partition, offsets: toPairs(ranges) })),
  }));

const toPairs = (ranges: readonly OffsetRange[]): Ranges =>
  ranges.map(({ first, end }) => [first, end]);

async function readVoids(
  db: Kysely<AuditTables>,
  generation: string,
): Promise<Map<number, OffsetRange[]>> {
  const rows = await db
    .selectFrom("void_offsets")
    .select(["partition", sql<string>`range_agg(offsets)::text`.as("offsets")])
    .where("generation", "=", generation)
    .groupBy("partition")
    .execute();
  return new Map(rows.map(({ partition, offsets }) => [partition, parseRanges(offsets)]));
}

async function countDuplicates(db: Kysely<AuditTables>) {
  const rows = await db
    .selectFrom("duplicate")
    .select(["differs", (eb) => eb.fn.countAll<number>().as("count")])
    .groupBy("differs")
    .execute();
  const countOf = (differs: boolean): number =>
    rows.find((row) => row.differs === differs)?.count ?? 0;
  return { same: countOf(false), different: countOf(true) };
}
