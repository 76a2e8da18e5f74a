/** Reads series for people, a page at a time by task id. */
import type { Kysely } from "kysely";
import { PermanentError } from "../../../lib/host/error.ts";
import { fromRow, type Series } from "./series.ts";
import type { Tables } from "../table.ts";

/** Null where the task is not known or never had a recurrence. */
export async function findSeries(db: Kysely<Tables>, taskId: string): Promise<Series | null> {
  const row = await db
    .selectFrom("series")
    .selectAll()
    .where("task_id", "=", taskId)
    .where("recurrence", "is not", null)
    .executeTakeFirst();
  return row === undefined ? null : fromRow(row);
}

export interface SeriesPage {
  readonly series: readonly Series[];
  readonly next: string | null;
}

export async function listSeries(
  db: Kysely<Tables>,
  page: { userId: string | undefined; limit: number; cursor: string | undefined },
): Promise<SeriesPage> {
  let query = db
    .selectFrom("series")
    .selectAll()
    .where("recurrence", "is not", null)
    .orderBy("task_id")
    .limit(page.limit + 1);
  if (page.userId !== undefined) query = query.where("user_id", "=", page.userId);
  if (page.cursor !== undefined) query = query.where("task_id", ">", fromCursor(page.cursor));
  const rows = await query.execute();
  const series = rows.slice(0, page.limit).map(fromRow);
  const last = series.at(-1);
  const next = rows.length > page.limit && last !== undefined ? toCursor(last.taskId) : null;
  return { series, next };
}

const toCursor = (taskId: string): string => Buffer.from(taskId, "utf8").toString("base64url");

function fromCursor(cursor: string): string {
  const taskId = Buffer.from(cursor, "base64url").toString("utf8");
  if (toCursor(taskId) === cursor && !taskId.includes("\0")) return taskId;
  throw new PermanentError("cursor_invalid", "cursor is not one that this list gave", {
    status: 400,
  });
}
