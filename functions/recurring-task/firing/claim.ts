/** Series that are due: their occurrences go to the outbox and their watermarks on, in one transaction a batch. */
import { type Selectable, sql, type Transaction } from "kysely";
import { type Due, type DueLimits, takeDue } from "./due.ts";
import { toOccurrenceEvent } from "./occurrence-event.ts";
import { addToOutbox, type OutboxEntry } from "./outbox.ts";
import { openSchedule } from "../recurrence/recurrence.ts";
import type { Resources } from "../resources.ts";
import { fromRow } from "../series/series.ts";
import type { SeriesTable, Tables } from "../table.ts";

/** Of each series a ping publishes so many at most. */
const seriesLimit = 100;
const batchSeries = 200;
/** Of events in one transaction: they are in memory. */
const batchBytes = 16 * 1024 * 1024;
/** A series that cannot be computed must not hold up the others. */
const faultPauseMs = 3_600_000;

/** The place in the order of due series from which the next batch goes on. */
export interface ClaimCursor {
  readonly nextOccurrenceAt: Date;
  readonly taskId: string;
}

export interface Claimed {
  readonly occurrences: number;
  /** Null at the end. */
  readonly cursor: ClaimCursor | null;
}

interface Decision {
  readonly taskId: string;
  readonly watermark: Date | null;
  readonly next: Date | null;
}

/** Claims one batch. `now` is the ping's: a series is claimed once by it, however much it has due. */
export function claimBatch(
  resources: Resources,
  now: Date,
  cursor: ClaimCursor | null,
  traceparent: string | undefined,
): Promise<Claimed> {
  return resources.db.transaction().execute(async (trx) => {
    const due = await lockDue(trx, now, cursor);
    const rows = await readSeries(trx, due);
    const entries: OutboxEntry[] = [];
    const decisions: Decision[] = [];
    let bytes = 0;
    for (const row of rows) {
      // The rest is unlocked with the commit, and the next batch begins there.
      if (bytes > batchBytes) break;
      const size = row.fields.length + 512;
      const limit = Math.max(1, Math.min(seriesLimit, Math.floor(batchBytes / size)));
      const fired = decide(resources, row, now, limit, decisions);
      for (const at of fired) entries.push(toEntry(row, at, traceparent));
      bytes += fired.length * size;
    }
    await addToOutbox(trx, entries, now);
    await save(trx, decisions, now);
    const last = due[decisions.length - 1];
    const isEnd = due.length < batchSeries && decisions.length === due.length;
    return { occurrences: entries.length, cursor: isEnd ? null : (last ?? null) };
  });
}

/** Passes over what another replica, or an edit, has locked. Ordered so that the longest due come first. */
async function lockDue(
  trx: Transaction<Tables>,
  now: Date,
  cursor: ClaimCursor | null,
): Promise<ClaimCursor[]> {
  let query = trx
    .selectFrom("series")
    .select(["task_id as taskId", "next_occurrence_at as nextOccurrenceAt"])
    .where("next_occurrence_at", "<=", now)
    .where((eb) => eb.or([eb("claimed_at", "is", null), eb("claimed_at", "<", now)]))
    .orderBy("next_occurrence_at")
    .orderBy("task_id")
    .limit(batchSeries)
    .forUpdate()
    .skipLocked();
  if (cursor !== null) {
    const after = sql<boolean>`(next_occurrence_at, task_id) > (${cursor.nextOccurrenceAt}, ${cursor.taskId})`;
    query = query.where(after);
  }
  return query.$narrowType<{ nextOccurrenceAt: Date }>().execute();
}

/** In the order of `due`; up to as many as memory may hold. */
async function readSeries(trx: Transaction<Tables>, due: readonly ClaimCursor[]) {
  if (due.length === 0) return [];
  const within = sql<boolean>`total <= ${batchBytes} or position = 1`;
  const ids = due.map((series) => series.taskId);
  const { rows } = await sql<Selectable<SeriesTable>>`
    select series.* from series join (
      select task_id, position, sum(octet_length(fields)) over (order by position) as total
      from series join unnest(${ids}::text[]) with ordinality as due (task_id, position) using (task_id)
    ) as sized using (task_id) where ${within} order by position`.execute(trx);
  return rows;
}

function decide(
  resources: Resources,
  row: Selectable<SeriesTable>,
  now: Date,
  limit: number,
  decisions: Decision[],
): readonly number[] {
  const { log, metrics, env } = resources;
  const taskId = row.task_id;
  try {
    const due = takeSeriesDue(row, now, { ...env, limit });
    const next = due.next === null ? null : new Date(due.next);
    decisions.push({ taskId, watermark: new Date(due.watermark), next });
    if (due.skipped > 0) {
      metrics.skipped.inc({ reason: "missed" }, due.skipped);
      log.warn(
        { task_id: taskId, skipped_at_least: due.skipped, since: row.watermark },
        "missed occurrences are skipped",
      );
    }
    for (const at of due.fired) metrics.delaySeconds.observe((now.getTime() - at) / 1000);
    return due.fired;
  } catch (error) {
    log.error({ err: error, task_id: taskId }, "a series cannot be computed: left for an hour");
    decisions.push({
      taskId,
      watermark: row.watermark,
      next: new Date(now.getTime() + faultPauseMs),
    });
    return [];
  }
}

function takeSeriesDue(row: Selectable<SeriesTable>, now: Date, limits: DueLimits): Due {
  const { recurrence, watermark } = row;
  if (recurrence === null || watermark === null) throw new Error("a due series has no rule");
  const span = { watermark: watermark.getTime(), now: now.getTime() };
  return takeDue(openSchedule(recurrence), recurrence.catchUp, span, limits);
}

function toEntry(
  row: Selectable<SeriesTable>,
  at: number,
  pingTraceparent: string | undefined,
): OutboxEntry {
  const { taskId, userId, fields, recurrence, traceparent } = fromRow(row);
  if (recurrence === null) throw new Error("a due series has no rule");
  return {
    taskId,
    at,
    event: toOccurrenceEvent({
      taskId,
      userId,
      fields,
      recurrence,
      at,
      traceparent: traceparent ?? pingTraceparent,
    }),
  };
}

async function save(
  trx: Transaction<Tables>,
  decisions: readonly Decision[],
  now: Date,
): Promise<void> {
  if (decisions.length === 0) return;
  await sql`
    update series set
      watermark = decision.watermark,
      next_occurrence_at = decision.next,
      state = case when decision.next is null then 'ended' else 'active' end,
      claimed_at = ${now}
    from unnest(
      ${decisions.map((decision) => decision.taskId)}::text[],
      ${decisions.map((decision) => decision.watermark)}::timestamptz[],
      ${decisions.map((decision) => decision.next)}::timestamptz[]
    ) as decision (task_id, watermark, next)
    where series.task_id = decision.task_id`.execute(trx);
}
