/** The series of tasks, what came in and what is to go out. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * `series`: a row a task, kept as a tombstone after `task.deleted`: an older event that comes late must find it. `fields` and places
 * are JSON as text, because jsonb refuses some of what producers may write (\u0000, lone surrogates, 1e400).
 */
const steps = [
  `create table series (
     task_id text primary key,
     user_id text not null,
     state text not null check (state in ('none', 'active', 'ended', 'deleted')),
     recurrence jsonb,
     fields text not null,
     has_all_fields boolean not null,
     rule_place text,
     fields_place text,
     watermark timestamptz,
     next_occurrence_at timestamptz,
     claimed_at timestamptz,
     zone_data_version text,
     traceparent text,
     updated_at timestamptz not null,
     check (state = 'active' or next_occurrence_at is null)
   ) with (fillfactor = 80)`,
  `create index series_due on series (next_occurrence_at, task_id) where next_occurrence_at is not null`,
  `create index series_user on series (user_id, task_id) where recurrence is not null`,
  `create index series_zone_data on series (zone_data_version) where next_occurrence_at is not null`,
  `create table inbox (
     identity bytea primary key,
     digest bytea not null,
     received_at timestamptz not null
   )`,
  `create index inbox_age on inbox (received_at)`,
  `create table outbox (
     id bigint generated always as identity primary key,
     event_id text not null unique,
     task_id text not null,
     occurrence_at timestamptz not null,
     event text not null,
     size integer not null,
     attempts integer not null default 0,
     next_attempt_at timestamptz not null,
     refused text
   )`,
  `create index outbox_task on outbox (task_id, occurrence_at)`,
  `create index outbox_next on outbox (next_attempt_at, id)`,
  `grant select, insert, update, delete on series, inbox, outbox to recurring`,
];

export const series: Migration = {
  async up(db: Kysely<unknown>) {
    for (const step of steps) await sql.raw(step).execute(db);
  },
};
