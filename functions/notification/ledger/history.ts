/** Reads the ledger for people, newest first, and puts failed notifications back to be sent. */
import { type Kysely, sql } from "kysely";
import { fromText, toText } from "../../../lib/store/text.ts";
import type { State, Tables } from "./table.ts";

export interface NotificationQuery {
  readonly userId: string | undefined;
  readonly eventId: string | undefined;
  readonly limit: number;
  /** Only rows before this one. */
  readonly before: number | undefined;
}

/** The shape of `GET /notifications`. */
export interface NotificationItem {
  readonly event: { readonly source: string; readonly id: string; readonly type: string };
  readonly user_id: string;
  readonly channel: string;
  readonly state: State;
  readonly reason: string | null;
  readonly attempts: number;
  readonly updated_at: string;
}

const columns = [
  "n.seq",
  "i.source",
  "i.id",
  "i.type",
  "n.user_id",
  "n.channel",
  "n.state",
  "n.reason",
  "n.attempts",
  "n.updated_at",
] as const;

type Row = Omit<NotificationItem, "event" | "updated_at"> &
  NotificationItem["event"] & { readonly seq: number; readonly updated_at: Date };

export async function listNotifications(
  db: Kysely<Tables>,
  { userId, eventId, limit, before }: NotificationQuery,
): Promise<{ items: readonly NotificationItem[]; next: number | null }> {
  let query = db
    .selectFrom("notifications as n")
    .innerJoin("inbox as i", "i.event_key", "n.event_key")
    .select(columns)
    .orderBy("n.seq", "desc")
    .limit(limit + 1);
  if (userId !== undefined) query = query.where("n.user_id", "=", toText(userId));
  if (eventId !== undefined) query = query.where("i.id", "=", toText(eventId));
  if (before !== undefined) query = query.where("n.seq", "<", before);
  const rows: readonly Row[] = await query.execute();
  const page = rows.slice(0, limit);
  return { items: page.map(toItem), next: rows.length > limit ? (page.at(-1)?.seq ?? null) : null };
}

const toItem = (row: Row): NotificationItem => ({
  event: { source: fromText(row.source), id: fromText(row.id), type: row.type },
  user_id: fromText(row.user_id),
  channel: row.channel,
  state: row.state,
  reason: row.reason,
  attempts: row.attempts,
  updated_at: row.updated_at.toISOString(),
});

export interface ResendRequest {
  readonly source: string;
  readonly id: string;
  readonly userId: string | undefined;
  readonly channel: "email" | "sms" | undefined;
  readonly retryHours: number;
}

/** Failed and suppressed notifications of an event become pending again: how many. */
export async function resend(db: Kysely<Tables>, request: ResendRequest): Promise<number> {
  const { source, id, userId, channel, retryHours } = request;
  let query = db
    .updateTable("notifications as n")
    .from("inbox as i")
    .set({
      state: "pending",
      reason: null,
      attempts: 0,
      due_at: sql<Date>`now()`,
      retry_until: sql<Date>`now() + ${retryHours} * interval '1 hour'`,
      updated_at: sql<Date>`now()`,
    })
    .whereRef("i.event_key", "=", "n.event_key")
    .where("i.source", "=", toText(source))
    .where("i.id", "=", toText(id))
    .where("n.state", "in", ["failed", "suppressed"]);
  if (userId !== undefined) query = query.where("n.user_id", "=", toText(userId));
  if (channel !== undefined) query = query.where("n.channel", "=", channel);
  const { numUpdatedRows } = await query.executeTakeFirst();
  return Number(numUpdatedRows);
}
