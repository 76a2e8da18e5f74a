/** Records a batch in one call: the lock of the log's end is held without a round trip, and by no client that stands still. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

const columns = {
  key: "bytea",
  content: "bytea",
  source: "text",
  id: "text",
  type: "text",
  subject: "text",
  time: "text",
  datacontenttype: "text",
  dataschema: "text",
  extensions: "text",
  data: "bytea",
  data_is_json: "boolean",
  task_id: "text",
  user_id: "text",
  partition: "bigint",
  offset: "bigint",
  problem_code: "text",
  problem_message: "text",
  received_at: "timestamptz",
} as const;

const names = Object.keys(columns);
const ofKey = ["key", "content", "partition", "offset"];
const ofEntry = names.filter((name) => name !== "content");

const list = (items: readonly string[], each: (name: string) => string): string =>
  items.map(each).join(", ");
const quoted = (items: readonly string[]): string => list(items, (name) => `"${name}"`);
/** All arrays have one length. In a FROM clause each would fill a tuplestore of its own: a fourth of a lone event's time. */
const unnested = (items: readonly string[]): string =>
  list(items, (name) => `unnest("new_${name}") as "${name}"`);

/**
 * False where something of the batch is known already: nothing is written then, and the caller sifts it and calls again
 * with what is new. `is_sifted`: it has done so, in this transaction and under the lock. Coverage is the whole batch's.
 *
 * Each statement of a volatile function has a snapshot of its own, so those behind the lock see what the replica has
 * committed that held it before. One statement for all would not: its snapshot is older than its lock.
 *
 * Planned once and never by a scan: what is planned while the log is short must not be kept when it is long.
 */
const record = `
  create function record_entries(
    is_sifted boolean, now timestamptz, ${list(names, (name) => `"new_${name}" ${columns[name as keyof typeof columns]}[]`)},
    covered_partition bigint[], covered_offsets text[]
  ) returns boolean language plpgsql
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  as $$
  declare
    log log_end;
  begin
    select * into strict log from log_end for update;
    if not is_sifted and (
      log.generation is null
      or exists (select from entry_key where key = any (new_key))
      or exists (
        select from coverage
        where generation = log.generation and partition = any (covered_partition)
          and offsets && covered_offsets[array_position(covered_partition, partition::bigint)]::int8multirange
      )
    ) then
      return false;
    end if;

    -- A clock that was set back must not put an entry before one that a reader has seen.
    log.recorded_at := greatest(
      coalesce(now, date_trunc('milliseconds', clock_timestamp())), log.recorded_at
    );

    insert into entry_key (recorded_at, sequence, generation, ${quoted(ofKey)})
    select log.recorded_at, log.sequence + number,
      case when "partition" is not null then log.generation end, ${quoted(ofKey)}
    from (select generate_subscripts(new_key, 1) as number, ${unnested(ofKey)}) new;

    insert into entry (recorded_at, sequence, generation, ${quoted(ofEntry)})
    select log.recorded_at, log.sequence + number,
      case when "partition" is not null then log.generation end, ${quoted(ofEntry)}
    from (select generate_subscripts(new_key, 1) as number, ${unnested(ofEntry)}) new;

    insert into coverage (generation, partition, offsets)
    select log.generation, partition, offsets::int8multirange
    from (
      select unnest(covered_partition) as partition, unnest(covered_offsets) as offsets
    ) covered
    on conflict (generation, partition)
      do update set offsets = coverage.offsets + excluded.offsets;

    update log_end
    set recorded_at = log.recorded_at, sequence = log.sequence + cardinality(new_key);
    return true;
  end $$`;

export const recordEntries: Migration = {
  up: async (db: Kysely<unknown>) => {
    await sql.raw(record).execute(db);
    await sql`revoke execute on function record_entries from public`.execute(db);
    await sql`grant execute on function record_entries to audit`.execute(db);
  },
};
