/** Generations that have ended, and what of their topics was never recorded. */
import { type Kysely, sql } from "kysely";
import type { AuditTables } from "../tables.ts";
import { readCoverage } from "./coverage.ts";
import { holesIn, type OffsetRange } from "./offset-range.ts";

export interface EarlierGeneration {
  readonly generation: string;
  readonly number: number;
  readonly beganAt: Date;
  /** Why the next one began. */
  readonly ended: string;
  /** By partition, up to where its topic was seen to reach: no topic has them any more. */
  readonly lost: ReadonlyMap<number, readonly OffsetRange[]>;
}

/** Index: partition. Ends only move on. */
export async function noteTopicEnd(
  db: Kysely<AuditTables>,
  generation: string,
  ends: readonly number[],
): Promise<void> {
  if (ends.length === 0) return;
  await db
    .insertInto("topic_end")
    .values(ends.map((end, partition) => ({ generation, partition, end })))
    .onConflict((conflict) =>
      conflict.columns(["generation", "partition"]).doUpdateSet({
        end: sql<number>`greatest(topic_end."end", excluded."end")`,
      }),
    )
    .execute();
}

/** All but the present one, the oldest first. */
export async function readEarlier(db: Kysely<AuditTables>): Promise<EarlierGeneration[]> {
  const rows = await db
    .selectFrom("generation")
    .select(["generation", "number", "reason", "began_at"])
    .select(sql<number[]>`to_json(begins)`.as("begins"))
    .orderBy("number")
    .execute();
  return Promise.all(
    rows.slice(0, -1).map(async ({ generation, number, began_at: beganAt, begins }, index) => ({
      generation,
      number,
      beganAt,
      ended: rows[index + 1]?.reason ?? "",
      lost: await readLost(db, generation, begins),
    })),
  );
}

async function readLost(
  db: Kysely<AuditTables>,
  generation: string,
  begins: readonly number[],
): Promise<Map<number, OffsetRange[]>> {
  const coverage = await readCoverage(db, generation);
  const ends = await readEnds(db, generation);
  const lost = [...new Set([...coverage.keys(), ...ends.keys()])]
    .sort((a, b) => a - b)
    .map((partition) => {
      const ranges = coverage.get(partition) ?? [];
      const end = Math.max(ends.get(partition) ?? 0, ranges.at(-1)?.end ?? 0);
      return [partition, holesIn(ranges, begins[partition] ?? 0, end)] as const;
    });
  return new Map(lost.filter(([, ranges]) => ranges.length > 0));
}

async function readEnds(db: Kysely<AuditTables>, generation: string): Promise<Map<number, number>> {
  const rows = await db
    .selectFrom("topic_end")
    .select(["partition", "end"])
    .where("generation", "=", generation)
    .execute();
  return new Map(rows.map(({ partition, end }) => [partition, end]));
}
