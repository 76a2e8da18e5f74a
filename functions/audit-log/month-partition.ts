/** Partitions by month of `recorded_at`, a year ahead; done as the owner, since the function may not make tables. */
import { type Kysely, sql, type Transaction } from "kysely";
import { lockLogEnd } from "./coverage/generation.ts";
import type { AuditTables } from "./tables.ts";

const monthsAhead = 12;

/** The first instant of a month, UTC. */
type Month = Date;

const monthOf = (at: Date, later = 0): Month =>
  new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + later, 1));

/** `entry_2026_12` */
const nameOf = (month: Month): string =>
  `entry_${month.toISOString().slice(0, 7).replace("-", "_")}`;

/** Makes what is missing, for rows that landed in the DEFAULT partition too, and returns the names. */
export async function keepMonthsAhead(
  db: Kysely<AuditTables>,
  now: Date,
): Promise<readonly string[]> {
  if ((await missingMonths(db, now)).length === 0) return [];
  return db.transaction().execute(async (trx) => {
    // Before any lock of the table, as the recorders do: else each could wait for the other.
    await lockLogEnd(trx);
    const months = await missingMonths(trx, now);
    const stray = await strayMonths(trx);
    if (stray.length > 0) await setDefaultAside(trx);
    for (const month of months) await makePartition(trx, month);
    if (stray.length > 0) await returnStrayRows(trx);
    return months.map(nameOf);
  });
}

async function missingMonths(db: Kysely<AuditTables>, now: Date): Promise<Month[]> {
  const coming = Array.from({ length: monthsAhead + 1 }, (_, later) => monthOf(now, later));
  const wanted = new Map([...coming, ...(await strayMonths(db))].map((m) => [nameOf(m), m]));
  const { rows } = await sql<{ name: string }>`
    select child.relname as name from pg_inherits
    join pg_class child on child.oid = inhrelid
    where inhparent = 'entry'::regclass`.execute(db);
  for (const { name } of rows) wanted.delete(name);
  return [...wanted.values()].sort((a, b) => a.getTime() - b.getTime());
}

async function strayMonths(db: Kysely<AuditTables>): Promise<Month[]> {
  const { rows } = await sql<{ month: Date }>`
    select distinct date_trunc('month', recorded_at, 'UTC') as month from entry_default`.execute(
    db,
  );
  return rows.map(({ month }) => month);
}

async function makePartition(trx: Transaction<AuditTables>, month: Month): Promise<void> {
  const name = nameOf(month);
  const from = sql.lit(month.toISOString());
  const until = sql.lit(monthOf(month, 1).toISOString());
  await sql`create table ${sql.id(name)} partition of entry
    for values from (${from}) to (${until})`.execute(trx);
  await guardTruncate(trx, name);
}

/** Row triggers come with the parent, statement triggers do not. */
const guardTruncate = (trx: Transaction<AuditTables>, name: string) =>
  sql`create trigger refuse_truncate before truncate on ${sql.id(name)}
    for each statement execute function refuse_change()`.execute(trx);

/** A partition cannot be made while DEFAULT has rows of its month, and none can be deleted from it. */
async function setDefaultAside(trx: Transaction<AuditTables>): Promise<void> {
  await sql`alter table entry detach partition entry_default`.execute(trx);
  await sql`alter table entry_default rename to entry_stray`.execute(trx);
  await sql`alter index entry_default_pkey rename to entry_stray_pkey`.execute(trx);
  await sql`create table entry_default partition of entry default`.execute(trx);
  await guardTruncate(trx, "entry_default");
}

async function returnStrayRows(trx: Transaction<AuditTables>): Promise<void> {
  await sql`insert into entry select * from entry_stray`.execute(trx);
  await sql`drop table entry_stray`.execute(trx);
}
