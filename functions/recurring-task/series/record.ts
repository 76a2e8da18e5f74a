/** Takes a task event in: inbox row, series and outbox in one transaction. */
import type { Transaction } from "kysely";
import type { Event } from "../../../lib/events/event.ts";
import type { TaskData } from "../../../lib/events/task.ts";
import type { EventOf, HandlerContext, Outcome } from "../../../lib/host/function.ts";
import { retryable } from "../../../lib/store/failure.ts";
import { applyChange, type Change, type Changed, upcoming } from "./change.ts";
import { toChange } from "./change-event.ts";
import { enterInbox } from "./inbox.ts";
import { toOccurrenceEvent } from "../firing/occurrence-event.ts";
import { addToOutbox, sendBatch, withdraw } from "../firing/outbox.ts";
import { zoneDataVersion } from "../recurrence/zone.ts";
import type { Resources } from "../resources.ts";
import { fromRow, newSeries, type Series, toRow } from "./series.ts";
import type { Tables } from "../table.ts";

/** Occurrences that an edit fires at most, of the rule that it replaces. */
const editLimit = 1_000;

/** A handler for one type of task event. */
export const record =
  (kind: Change["kind"]) =>
  async (event: EventOf<TaskData>, context: HandlerContext<Resources>): Promise<Outcome> => {
    const { resources } = context;
    const change = toChange(kind, event, context.traceparent);
    const { outcome, changed } = await retryable(() =>
      resources.db
        .transaction()
        .execute((trx) => recordOnce(trx, event, event.data.task_id, change, resources)),
    );
    if (changed !== null) await settle(changed, context);
    return outcome;
  };

interface Recorded {
  readonly outcome: Outcome;
  readonly changed: Changed | null;
}

async function recordOnce(
  trx: Transaction<Tables>,
  event: Event,
  taskId: string,
  change: Change,
  resources: Resources,
): Promise<Recorded> {
  if (!(await enterInbox(trx, event))) return { outcome: "duplicate", changed: null };
  const series = await lockSeries(trx, taskId, change, resources.now());
  const { catchUpMs, missedAfterMs } = resources.env;
  const changed = applyChange(series, change, { catchUpMs, missedAfterMs, limit: editLimit });
  if (changed === null) return { outcome: "ignored", changed: null };
  const settled = await settleOutbox(trx, changed, change);
  const now = resources.now();
  await addToOutbox(
    trx,
    settled.fired.map((at) => toEntry(series, at)),
    now,
  );
  await trx
    .updateTable("series")
    .where("task_id", "=", taskId)
    .set({ ...toRow(settled.series), zone_data_version: zoneDataVersion, updated_at: now })
    .execute();
  return { outcome: "done", changed: settled };
}

async function lockSeries(
  trx: Transaction<Tables>,
  taskId: string,
  change: Change,
  now: Date,
): Promise<Series> {
  const row =
    (await selectLocked(trx, taskId)) ??
    (await insertLocked(trx, taskId, change, now)) ??
    // Another replica was first, between the two.
    (await selectLocked(trx, taskId));
  if (row === undefined) throw new Error(`series ${taskId} was removed while it was made`);
  return fromRow(row);
}

const selectLocked = (trx: Transaction<Tables>, taskId: string) =>
  trx.selectFrom("series").selectAll().where("task_id", "=", taskId).forUpdate().executeTakeFirst();

const insertLocked = (trx: Transaction<Tables>, taskId: string, change: Change, now: Date) =>
  trx
    .insertInto("series")
    .values({ ...toRow(newSeries(taskId, change.userId)), updated_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();

/**
 * Nothing of the rule so far leaves after this commit but what was due before the edit. What is taken back was never
 * fired: the new rule begins before it, at the edit.
 */
async function settleOutbox(
  trx: Transaction<Tables>,
  changed: Changed,
  change: Change,
): Promise<Changed> {
  const { series, rule } = changed;
  if (rule === "kept") return changed;
  const after = rule === "ended" ? null : change.at;
  const { count, earliest } = await withdraw(trx, series.taskId, after);
  if (rule === "ended") return { ...changed, skipped: changed.skipped + count };
  if (earliest === null || series.recurrence === null) return changed;
  const watermark = new Date(Math.max(change.at.getTime(), earliest - 1));
  return {
    ...changed,
    series: { ...series, watermark, ...upcoming(series.recurrence, watermark) },
  };
}

const toEntry = (series: Series, at: number) => {
  const { taskId, userId, fields, recurrence } = series;
  // Only a series with a rule fires.
  if (recurrence === null) throw new Error(`series ${taskId} fires without a rule`);
  const traceparent = series.traceparent ?? undefined;
  return {
    taskId,
    at,
    event: toOccurrenceEvent({ taskId, userId, fields, recurrence, at, traceparent }),
  };
};

/** What an edit fired goes out before its answer; where the Broker is down, the next ping sends it. */
async function settle(
  { series, fired, skipped, rule }: Changed,
  { resources, log }: HandlerContext<Resources>,
): Promise<void> {
  const { metrics, db, broker, now } = resources;
  if (skipped > 0) {
    metrics.skipped.inc({ reason: rule === "ended" ? "ended" : "replaced" }, skipped);
    log.warn({ task_id: series.taskId, skipped }, `due when the rule was ${rule}: not published`);
  }
  if (fired.length === 0) return;
  const { sent } = await retryable(() => sendBatch(db, broker, now(), series.taskId));
  metrics.published.inc(sent);
}
