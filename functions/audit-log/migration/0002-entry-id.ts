/** Finds the entries of an event id, for `GET /trace`. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

export const entryId: Migration = {
  up: async (db: Kysely<unknown>) => {
    // Only equality is asked, and a hash index takes ids of any length.
    await sql`create index entry_id on entry using hash (id)`.execute(db);
  },
};
