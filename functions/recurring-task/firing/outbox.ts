/** Occurrences that are decided and not yet at the Broker: sent at least once, each time with the same bytes. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { Broker, Sent } from "./broker.ts";
import type { OccurrenceEvent } from "./occurrence-event.ts";
import type { Tables } from "../table.ts";

export interface OutboxEntry {
  readonly taskId: string;
  /** In ms. */
  readonly at: number;
  readonly event: OccurrenceEvent;
}

/** Rows and bytes that one transaction sends: they are in memory. */
const batchRows = 500;
const batchBytes = 16 * 1024 * 1024;
const longestPauseMs = 3_600_000;

export async function addToOutbox(
  trx: Transaction<Tables>,
  entries: readonly OutboxEntry[],
  now: Date,
): Promise<void> {
  if (entries.length === 0) return;
  // unnest: one parameter a column, however many rows.
  await sql`
    insert into outbox (event_id, task_id, occurrence_at, event, size, next_attempt_at)
    select event_id, task_id, occurrence_at, event, octet_length(event), ${now}
    from unnest(
      ${entries.map((entry) => entry.event.id)}::text[],
      ${entries.map((entry) => entry.taskId)}::text[],
      ${entries.map((entry) => new Date(entry.at))}::timestamptz[],
      ${entries.map((entry) => entry.event.json)}::text[]
    ) as entry (event_id, task_id, occurrence_at, event)
    on conflict (event_id) do nothing`.execute(trx);
}

/**
 * Takes back what a task's series has waiting after `after`. Waits for what is just being sent, so that nothing of it
 * leaves after the edit is committed. The earliest instant taken back, in ms.
 */
export async function withdraw(
  trx: Transaction<Tables>,
  taskId: string,
  after: Date | null,
): Promise<{ count: number; earliest: number | null }> {
  let query = trx.deleteFrom("outbox").where("task_id", "=", taskId);
  if (after !== null) query = query.where("occurrence_at", ">", after);
  const rows = await query.returning("occurrence_at").execute();
  const times = rows.map((row) => row.occurrence_at.getTime());
  return { count: times.length, earliest: times.length === 0 ? null : Math.min(...times) };
}

export interface SendReport {
  readonly sent: number;
  /** The Broker will not take these as they are. */
  readonly refused: number;
  /** True where the Broker did not answer, or not now: the rest waits. */
  readonly isUnavailable: boolean;
  /** Nothing else was due when it was taken. */
  readonly isLast: boolean;
}

/**
 * Sends one batch of what is due, of one task or of all. The rows stay locked meanwhile: another replica passes over
 * them, and a crash before the commit sends them again.
 */
export function sendBatch(
  db: Kysely<Tables>,
  broker: Broker,
  now: Date,
  taskId?: string,
): Promise<SendReport> {
  return db.transaction().execute(async (trx) => {
    const { rows, isLast } = await takeBatch(trx, now, taskId);
    const results = await broker.sendAll(
      rows.map((row) => ({ key: row.task_id, json: row.event })),
    );
    const idsOf = (outcome: Sent) =>
      rows.filter((_, index) => results[index] === outcome).map((row) => row.id);
    const sent = idsOf("sent");
    const refused = idsOf("refused");
    if (sent.length > 0) await trx.deleteFrom("outbox").where("id", "in", sent).execute();
    if (refused.length > 0) await postpone(trx, refused, now);
    return {
      sent: sent.length,
      refused: refused.length,
      isUnavailable: results.includes("unavailable"),
      isLast,
    };
  });
}

async function takeBatch(trx: Transaction<Tables>, now: Date, taskId: string | undefined) {
  let due = trx
    .selectFrom("outbox")
    .select(["id", "size"])
    .where("next_attempt_at", "<=", now)
    .orderBy("next_attempt_at")
    .orderBy("id")
    .limit(batchRows)
    .forUpdate()
    .skipLocked();
  if (taskId !== undefined) due = due.where("task_id", "=", taskId);
  let bytes = 0;
  const ids: number[] = [];
  const found = await due.execute();
  for (const { id, size } of found) {
    bytes += size;
    if (bytes > batchBytes && ids.length > 0) break;
    ids.push(id);
  }
  if (ids.length === 0) return { rows: [], isLast: true };
  const isLast = ids.length < batchRows && ids.length === found.length;
  const rows = await trx
    .selectFrom("outbox")
    .select(["id", "task_id", "event"])
    .where("id", "in", ids)
    .orderBy("occurrence_at")
    .execute();
  return { rows, isLast };
}

/** Kept and tried again, ever more seldom: a Broker that refuses an event may be the one that is wrong. */
const postpone = (trx: Transaction<Tables>, ids: number[], now: Date) =>
  trx
    .updateTable("outbox")
    .where("id", "in", ids)
    .set({
      attempts: sql`attempts + 1`,
      refused: "the Broker refused it",
      next_attempt_at: sql`${now}::timestamptz + least(${longestPauseMs}, 60000 * 2 ^ least(attempts, 10)) * interval '1 millisecond'`,
    })
    .execute();
