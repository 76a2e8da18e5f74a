/** The ledger forgets: rows that are old enough may be deleted, and are found without reading the others. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index inbox_recorded on inbox (recorded_at)`.execute(db);
  await sql`grant delete on inbox, notifications to notification`.execute(db);
}

export const retention: Migration = { up };
