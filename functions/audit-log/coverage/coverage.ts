/** Which offsets of a generation are recorded, a partition. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { AuditTables } from "../tables.ts";
import { formatRanges, type OffsetRange, parseRanges } from "./offset-range.ts";

/** Index: partition. */
export type Coverage = ReadonlyMap<number, readonly OffsetRange[]>;

export async function readCoverage(db: Kysely<AuditTables>, generation: string): Promise<Coverage> {
  const rows = await db
    .selectFrom("coverage")
    .select(["partition", "offsets"])
    .where("generation", "=", generation)
    .execute();
  return new Map(rows.map(({ partition, offsets }) => [partition, parseRanges(offsets)]));
}

/** Adds ranges. The caller holds the lock of the log's end. */
export async function cover(
  trx: Transaction<AuditTables>,
  generation: string,
  added: Coverage,
): Promise<void> {
  if (added.size === 0) return;
  const rows = [...added].sort(([a], [b]) => a - b);
  const partitions = rows.map(([partition]) => partition);
  const offsets = rows.map(([, ranges]) => formatRanges(ranges));
  await sql`
    insert into coverage (generation, partition, offsets)
    select ${generation}::text, partition, offsets::int8multirange
    from unnest(${partitions}::integer[], ${offsets}::text[]) as added (partition, offsets)
    order by partition
    on conflict (generation, partition)
      do update set offsets = coverage.offsets + excluded.offsets`.execute(trx);
}

/** Covers offsets that a complete read of the log passed over, and notes that they hold no record. */
export async function coverVoid(
  trx: Transaction<AuditTables>,
  generation: string,
  voids: Coverage,
): Promise<void> {
  if (voids.size === 0) return;
  await cover(trx, generation, voids);
  const rows = [...voids].map(([partition, ranges]) => ({
    generation,
    partition,
    offsets: formatRanges(ranges),
  }));
  await trx.insertInto("void_offsets").values(rows).execute();
}
