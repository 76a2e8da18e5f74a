/** Generations of the topic: offsets mean something within one alone. */
import { randomUUID } from "node:crypto";
import { type Kysely, type Transaction, sql } from "kysely";
import type { AuditTables } from "../tables.ts";

export interface LogEnd {
  /** Null before the topic's first record or command. */
  readonly generation: string | null;
  readonly recordedAt: Date;
  readonly sequence: number;
}

/** Locks the end of the log: until COMMIT no other replica records, covers or begins anything. */
export async function lockLogEnd(trx: Transaction<AuditTables>): Promise<LogEnd> {
  // `-infinity` is the end of an empty log.
  const { rows } = await sql<{ generation: string | null; ms: number; sequence: number }>`
    select generation, sequence,
      coalesce(floor(extract(epoch from nullif(recorded_at, '-infinity')) * 1000), 0)::bigint as ms
    from log_end for update`.execute(trx);
  const [row] = rows;
  if (row === undefined) throw new Error("log_end has no row");
  return {
    generation: row.generation,
    recordedAt: new Date(row.ms),
    sequence: row.sequence,
  };
}

export interface GenerationBegin {
  readonly topic: string;
  /** The first offset of each partition. */
  readonly begins: readonly number[];
  /** Why: `made`, `found`, `first record`, or the alarm's sentence. */
  readonly reason: string;
}

/** The caller holds the lock of the log's end. */
export async function beginGeneration(
  trx: Transaction<AuditTables>,
  { topic, begins, reason }: GenerationBegin,
): Promise<string> {
  const generation = randomUUID();
  await trx
    .insertInto("generation")
    .values({ generation, topic, begins: [...begins], reason })
    .execute();
  await trx.updateTable("log_end").set({ generation }).execute();
  return generation;
}

export interface Generation {
  readonly generation: string;
  /** Counted from 1. */
  readonly number: number;
  readonly begins: readonly number[];
}

export async function currentGeneration(db: Kysely<AuditTables>): Promise<Generation | undefined> {
  return (
    db
      .selectFrom("log_end")
      .innerJoin("generation", "generation.generation", "log_end.generation")
      .select(["generation.generation", "generation.number"])
      // pg hands bigint[] over as texts.
      .select(sql<number[]>`to_json(generation.begins)`.as("begins"))
      .executeTakeFirst()
  );
}
