/** Inbox, ledger and recipients. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table inbox (
      event_key bytea primary key,
      source text not null,
      id text not null,
      type text not null,
      user_id text not null,
      content_hash bytea not null,
      content jsonb not null,
      traceparent text,
      recorded_at timestamptz not null default now()
    )`.execute(db);
  // Only equality is asked, and a hash index takes ids of any length.
  await sql`create index inbox_id on inbox using hash (id)`.execute(db);
  await sql`
    create table notifications (
      seq bigint generated always as identity primary key,
      event_key bytea not null references inbox (event_key),
      user_id text not null,
      channel text not null check (channel in ('email', 'sms')),
      state text not null check (state in ('pending', 'sent', 'suppressed', 'failed')),
      reason text,
      attempts integer not null default 0,
      due_at timestamptz not null default now(),
      lease uuid,
      retry_until timestamptz not null default now() + interval '24 hours',
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (event_key, user_id, channel)
    ) with (fillfactor = 80)`.execute(db);
  await sql`create index notifications_user on notifications (user_id, seq desc)`.execute(db);
  await sql`
    create index notifications_due on notifications (channel, due_at) where state = 'pending'`.execute(
    db,
  );
  await sql`
    create table recipients (
      user_id text primary key,
      email text,
      phone text,
      locale text not null,
      time_zone text not null,
      channels jsonb not null,
      updated_at timestamptz not null default now()
    )`.execute(db);
  await sql`grant select, insert on inbox to notification`.execute(db);
  await sql`grant select, insert, update on notifications, recipients to notification`.execute(db);
}

export const ledger: Migration = { up };
