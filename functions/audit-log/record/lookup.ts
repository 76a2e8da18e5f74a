/** What the database knows of a batch before it is written. */
import { sql, type Transaction } from "kysely";
import type { AuditTables } from "../tables.ts";
import { type Arrival, type Finding, type FirstRecord, isSamePlace } from "./arrival.ts";

interface Row {
  index: number;
  /** ms since 1970, by the database's clock. */
  now: number;
  content: Buffer | null;
  partition: number | null;
  offset: number | null;
  covered: boolean;
}

export interface Lookup {
  readonly findings: readonly Finding[];
  readonly now: Date;
}

/** One round trip for the whole batch. The caller holds the lock of the log's end. */
export async function lookUp(
  trx: Transaction<AuditTables>,
  arrivals: readonly Arrival[],
  generation: string,
): Promise<Lookup> {
  const keys = arrivals.map(({ key }) => key);
  const partitions = arrivals.map(({ event }) => event.position?.partition ?? null);
  const offsets = arrivals.map(({ event }) => event.position?.offset ?? null);
  const { rows } = await sql<Row>`
    select arrival.index, k.content, k.partition, k."offset",
      coalesce(c.offsets @> arrival."offset", false) as covered,
      floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now
    from unnest(${keys}::bytea[], ${partitions}::integer[], ${offsets}::bigint[])
      with ordinality as arrival (key, partition, "offset", index)
    left join entry_key k on k.key = arrival.key
    left join coverage c on c.generation = ${generation} and c.partition = arrival.partition
    order by arrival.index`.execute(trx);
  return {
    findings: rows.map((row) => ({ first: toFirst(row), isCovered: row.covered })),
    now: new Date(rows[0]?.now ?? 0),
  };
}

function toFirst(row: Row): FirstRecord | undefined {
  const { content, partition, offset } = row;
  if (content === null) return undefined;
  const position = partition === null || offset === null ? null : { partition, offset };
  return { content, position };
}

/**
 * The first arrival whose covered offset is known to hold a record of another identity: a record at an offset never
 * changes, so the topic was re-made. An offset that was void is no clash, nor is a redelivered duplicate.
 */
export async function findClash(
  trx: Transaction<AuditTables>,
  arrivals: readonly Arrival[],
  findings: readonly Finding[],
  generation: string,
): Promise<Arrival | undefined> {
  const suspects = arrivals.filter((arrival, index) => {
    const { first, isCovered = false } = findings[index] ?? {};
    return isCovered && !(first !== undefined && isSamePlace(first, arrival));
  });
  if (suspects.length === 0) return undefined;
  const partitions = suspects.map(({ event }) => event.position?.partition ?? null);
  const offsets = suspects.map(({ event }) => event.position?.offset ?? null);
  const keys = suspects.map(({ key }) => key);
  const { rows } = await sql<{ index: number }>`
    select suspect.index
    from unnest(${keys}::bytea[], ${partitions}::integer[], ${offsets}::bigint[])
      with ordinality as suspect (key, partition, "offset", index)
    join lateral (
      select bool_or(known.key = suspect.key) as is_known, count(*) as records
      from (
        select key from entry_key
        where generation = ${generation} and partition = suspect.partition
          and "offset" = suspect."offset"
        union all
        select key from duplicate
        where generation = ${generation} and partition = suspect.partition
          and "offset" = suspect."offset"
      ) known
    ) found on found.records > 0 and not found.is_known
    order by suspect.index limit 1`.execute(trx);
  const [clash] = rows;
  return clash === undefined ? undefined : suspects[clash.index - 1];
}
