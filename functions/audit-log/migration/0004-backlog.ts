/** What is missing of the topic, for the exporter of metrics: the view alone is readable to it. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** A row a partition of the present generation. A hole is an offset before the last recorded one that is not recorded. */
const view = `
  create view backlog as
  select g.number as generation, p.partition,
    coalesce(upper(c.offsets) - b.begin - r.recorded, 0)::bigint as hole_offsets
  from log_end
  join generation g using (generation)
  cross join lateral (
    select generate_subscripts(g.begins, 1) - 1 as partition
    union select partition from coverage where generation = g.generation
  ) p
  cross join lateral (select coalesce(g.begins[p.partition + 1], 0) as begin) b
  left join coverage c on c.generation = g.generation and c.partition = p.partition
  left join lateral (
    select sum(upper(one) - greatest(lower(one), b.begin)) as recorded
    from unnest(c.offsets) as one where upper(one) > b.begin
  ) r on true`;

export const backlog: Migration = {
  up: async (db: Kysely<unknown>) => {
    await sql.raw(view).execute(db);
  },
};
