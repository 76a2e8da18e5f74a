/** The ledger as an outbox: leases rows that are due, and writes down what became of them. */
import { type Kysely, sql } from "kysely";
import { fromText } from "../../../lib/store/text.ts";
import type { Job, Settlement } from "./job.ts";
import type { Lease } from "./lease.ts";
import { fromRow } from "../recipient.ts";
import type { ChannelName, Content, Preferences, Tables } from "./table.ts";

interface LeasedRow {
  readonly seq: number;
  readonly user_id: string;
  readonly attempts: number;
  readonly is_last: boolean;
  readonly event_key: Buffer;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly content: Content;
  readonly traceparent: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  /** Null where the user is no recipient. */
  readonly locale: string | null;
  readonly time_zone: string | null;
  readonly channels: Preferences | null;
}

/** Takes up to `limit` rows that are due and that no other replica holds, the longest due first. */
export async function leaseDue(
  db: Kysely<Tables>,
  channel: ChannelName,
  limit: number,
  lease: Lease,
): Promise<readonly Job[]> {
  const { rows } = await sql<LeasedRow>`
    with due as (
      select seq from notifications
      where state = 'pending' and channel = ${channel} and due_at <= now()
      order by due_at limit ${limit} for update skip locked
    ), leased as (
      update notifications n
      set lease = ${lease.token}, due_at = now() + ${lease.ms} * interval '1 ms'
      from due where n.seq = due.seq
      returning n.seq, n.event_key, n.user_id, n.attempts, n.retry_until <= now() as is_last
    )
    select l.*, i.source, i.id, i.type, i.content, i.traceparent,
      r.email, r.phone, r.locale, r.time_zone, r.channels
    from leased l join inbox i using (event_key) left join recipients r on r.user_id = l.user_id
    order by l.seq`.execute(db);
  return rows.map((row) => toJob(row, channel, lease));
}

const toJob = (row: LeasedRow, channel: ChannelName, lease: Lease): Job => ({
  seq: row.seq,
  channel,
  lease,
  eventKey: row.event_key,
  event: { source: fromText(row.source), id: fromText(row.id), type: row.type },
  content: row.content,
  traceparent: row.traceparent ?? undefined,
  userId: fromText(row.user_id),
  recipient:
    row.locale === null || row.time_zone === null
      ? undefined
      : fromRow({
          ...row,
          locale: row.locale,
          time_zone: row.time_zone,
          channels: row.channels ?? {},
        }),
  attempts: row.attempts,
  isLast: row.is_last,
});

/** Writes what became of attempts; true for each row whose lease was still this process's. */
export async function settle(
  db: Kysely<Tables>,
  settlements: readonly Settlement[],
): Promise<readonly boolean[]> {
  const column = <Name extends keyof Settlement>(name: Name) =>
    settlements.map((settlement) => settlement[name]);
  const { rows } = await sql<{ seq: number }>`
    update notifications n set
      state = s.state,
      reason = case when s.tries = 0 and s.reason is null then n.reason else s.reason end,
      attempts = n.attempts + s.tries,
      due_at = now() + s.delay_ms * interval '1 ms',
      lease = null,
      updated_at = now()
    from unnest(
      ${column("seq")}::bigint[], ${column("token")}::uuid[], ${column("state")}::text[],
      ${column("reason")}::text[], ${column("tries")}::int[], ${column("delayMs")}::float8[]
    ) as s (seq, token, state, reason, tries, delay_ms)
    where n.seq = s.seq and n.lease = s.token
    returning n.seq`.execute(db);
  const written = new Set(rows.map(({ seq }) => seq));
  return settlements.map(({ seq }) => written.has(seq));
}

/** Milliseconds until the next row of the channel may be leased, or null where none is pending. */
export async function nextDueMs(db: Kysely<Tables>, channel: ChannelName): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select (extract(epoch from min(due_at) - now()) * 1000)::float8 as ms
    from notifications where state = 'pending' and channel = ${channel}`.execute(db);
  const ms = rows[0]?.ms ?? null;
  return ms === null ? null : Math.max(0, ms);
}
