/** Entries, their keys, the coverage of the topic, and the guards that keep all of it append-only. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

const tables = [
  `create table entry_key (
    key bytea primary key,
    recorded_at timestamptz(3) not null,
    sequence bigint not null,
    content bytea not null,
    generation text,
    partition integer,
    "offset" bigint
  )`,
  `create index entry_key_position on entry_key (generation, partition, "offset")`,

  `create table entry (
    recorded_at timestamptz(3) not null,
    sequence bigint not null,
    key bytea not null,
    source text not null,
    id text not null,
    type text not null,
    subject text,
    time text,
    datacontenttype text,
    dataschema text,
    extensions text not null,
    data bytea not null,
    data_is_json boolean not null,
    task_id text,
    user_id text,
    generation text,
    partition integer,
    "offset" bigint,
    problem_code text,
    problem_message text,
    received_at timestamptz(3) not null,
    primary key (recorded_at, sequence)
  ) partition by range (recorded_at)`,
  // What no month has a partition for is taken all the same.
  `create table entry_default partition of entry default`,
  // Ids may have 12 KB, an index row at most 2.7 KB.
  `create index entry_task on entry (left(task_id, 256), recorded_at, sequence) where task_id is not null`,
  `create index entry_user on entry (left(user_id, 256), recorded_at, sequence) where user_id is not null`,
  `create index entry_type on entry (left(type, 256), recorded_at, sequence)`,
  `create index entry_history on entry (generation, left(user_id, 256), partition, "offset")
    where problem_code is null and partition is not null`,

  `create table duplicate (
    key bytea not null,
    content bytea not null,
    differs boolean not null,
    generation text,
    partition integer,
    "offset" bigint,
    recorded_at timestamptz(3) not null,
    unique nulls not distinct (key, generation, partition, "offset", content)
  )`,
  `create index duplicate_position on duplicate (generation, partition, "offset")`,

  `create table generation (
    generation text primary key,
    number bigint generated always as identity,
    topic text not null,
    begins bigint[] not null,
    reason text not null,
    began_at timestamptz(3) not null default now()
  )`,
  `create table coverage (
    generation text not null references generation,
    partition integer not null,
    offsets int8multirange not null,
    primary key (generation, partition)
  )`,
  `create table void_offsets (
    generation text not null references generation,
    partition integer not null,
    offsets int8multirange not null,
    noted_at timestamptz(3) not null default now()
  )`,
  `create table log_end (
    is_only boolean primary key default true check (is_only),
    generation text references generation,
    recorded_at timestamptz(3) not null default '-infinity',
    sequence bigint not null default 0
  )`,
  `insert into log_end default values`,
];

const guards = [
  `create function refuse_change() returns trigger language plpgsql as $$
  begin
    raise exception '% on % is refused: the audit log is append-only', tg_op, tg_table_name
      using errcode = 'insufficient_privilege';
  end $$`,
  `create function refuse_shrinking() returns trigger language plpgsql as $$
  begin
    if (new.generation, new.partition) is distinct from (old.generation, old.partition)
      or not new.offsets @> old.offsets
    then
      raise exception 'coverage only grows' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end $$`,
  `create function refuse_going_back() returns trigger language plpgsql as $$
  begin
    if new.sequence < old.sequence or new.recorded_at < old.recorded_at then
      raise exception 'the end of the log only moves on' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end $$`,
  `create trigger coverage_grows before update on coverage
    for each row execute function refuse_shrinking()`,
  `create trigger log_end_moves_on before update on log_end
    for each row execute function refuse_going_back()`,
];

const appendOnly = ["entry", "entry_key", "duplicate", "generation", "void_offsets"];
const neverEmptied = ["coverage", "log_end"];

export const entry: Migration = {
  up: async (db: Kysely<unknown>) => {
    for (const statement of [...tables, ...guards]) await sql.raw(statement).execute(db);
    for (const table of appendOnly) await guard(db, table, "update or delete");
    for (const table of neverEmptied) await guard(db, table, "delete");
    // Row triggers reach partitions by themselves, statement triggers do not.
    for (const table of [...appendOnly, ...neverEmptied, "entry_default"]) {
      await sql`create trigger refuse_truncate before truncate on ${sql.id(table)}
        for each statement execute function refuse_change()`.execute(db);
    }
    await sql`grant select, insert on entry, entry_key, duplicate, generation, void_offsets to audit`.execute(
      db,
    );
    await sql`grant select, insert, update on coverage to audit`.execute(db);
    await sql`grant select, update on log_end to audit`.execute(db);
  },
};

async function guard(db: Kysely<unknown>, table: string, changes: string): Promise<void> {
  await sql`create trigger refuse_change before ${sql.raw(changes)} on ${sql.id(table)}
    for each row execute function refuse_change()`.execute(db);
}
