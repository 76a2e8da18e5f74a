/** What is still to be published, for the exporter of metrics: the view alone is readable to it, and names nobody. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * One row. Of each figure at most 10,000 rows are looked at, so that it costs the same in an outage. What the Broker
 * refused is counted apart: it would hide how late the others are.
 */
const view = `
  create view backlog as
  select due.count as due_series, outbox.count as outbox_events, outbox.refused as refused_events,
    least(due.oldest_at, outbox.oldest_at) as oldest_at
  from (
    select count(*), min(next_occurrence_at) as oldest_at from (
      select next_occurrence_at from series
      where next_occurrence_at <= now() order by next_occurrence_at limit 10000
    ) as first
  ) due
  cross join (
    select count(*), count(refused) as refused,
      min(occurrence_at) filter (where refused is null) as oldest_at
    from (select occurrence_at, refused from outbox order by id limit 10000) as first
  ) outbox`;

export const backlog: Migration = {
  up: async (db: Kysely<unknown>) => {
    await sql.raw(view).execute(db);
  },
};
