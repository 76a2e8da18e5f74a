/** What is still to be sent, for the exporter of metrics: the view alone is readable to it, and names nobody. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** A row a channel. Of each figure at most 10,000 rows are looked at, so that it costs the same in an outage. */
const view = `
  create view backlog as
  select c.channel, due.count as due, due.oldest_at as oldest_due_at,
    pending.count as pending, pending.oldest_at as oldest_pending_at, failed.count as failed_last_hour
  from unnest(array['email', 'sms']) as c (channel)
  cross join lateral (
    select count(*), min(due_at) as oldest_at from (
      select due_at from notifications n
      where n.state = 'pending' and n.channel = c.channel and n.due_at <= now()
      order by n.due_at limit 10000
    ) as first
  ) due
  cross join lateral (
    select count(*), min(created_at) as oldest_at from (
      select created_at from notifications n
      where n.state = 'pending' and n.channel = c.channel
      order by n.due_at limit 10000
    ) as first
  ) pending
  cross join lateral (
    select count(*) from (
      select from notifications n
      where n.state = 'failed' and n.channel = c.channel and n.updated_at > now() - interval '1 hour'
      limit 10000
    ) as first
  ) failed`;

export const backlog: Migration = {
  up: async (db: Kysely<unknown>) => {
    await sql`create index notifications_failed on notifications (channel, updated_at)
      where state = 'failed'`.execute(db);
    await sql.raw(view).execute(db);
  },
};
