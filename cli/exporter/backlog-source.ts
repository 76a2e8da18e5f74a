/** What the functions have still to do: the view `backlog` of each schema, all that the role `monitor` may read. */
import { type Kysely, sql } from "kysely";
import { openStore } from "../../lib/store/database.ts";
import type { Figure, Source } from "./source.ts";

export interface BacklogSources extends AsyncDisposable {
  readonly sources: readonly Source[];
}

export function openBacklogSources(url: string): BacklogSources {
  const store = openStore<unknown>({
    url,
    schema: "public",
    maxConnections: 1,
    statementTimeoutMs: 5_000,
    settings: { default_transaction_read_only: "on" },
  });
  const { db } = store;
  return {
    sources: [
      { name: "audit-log", read: () => readAuditLog(db) },
      { name: "notification", read: () => readNotification(db) },
      { name: "recurring-task", read: () => readRecurringTask(db) },
    ],
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

interface AuditRow {
  readonly generation: number;
  readonly partition: number;
  readonly hole_offsets: number;
}

async function readAuditLog(db: Kysely<unknown>): Promise<Figure[]> {
  const { rows } = await sql<AuditRow>`
    select generation, partition, hole_offsets from audit.backlog order by partition`.execute(db);
  return [
    {
      name: "task_events_audit_hole_offsets",
      help: "Offsets before the last recorded one of a partition that are not recorded.",
      values: rows.map((row) => [{ partition: String(row.partition) }, row.hole_offsets]),
    },
    {
      name: "task_events_audit_generation",
      help: "Number of the topic's generation: grows when the topic is made again.",
      values: rows.slice(0, 1).map(({ generation }) => [{}, generation]),
    },
  ];
}

interface NotificationRow {
  readonly channel: string;
  readonly due: number;
  readonly due_seconds: number;
  readonly pending: number;
  readonly pending_seconds: number;
  readonly failed_last_hour: number;
}

async function readNotification(db: Kysely<unknown>): Promise<Figure[]> {
  const { rows } = await sql<NotificationRow>`
    select channel, due, pending, failed_last_hour,
      ${secondsSince("oldest_due_at")} as due_seconds,
      ${secondsSince("oldest_pending_at")} as pending_seconds
    from notification.backlog`.execute(db);
  const figure = (name: string, help: string, of: (row: NotificationRow) => number): Figure => ({
    name: `notification_${name}`,
    help,
    values: rows.map((row) => [{ channel: row.channel }, of(row)]),
  });
  const limit = "counted up to 10,000";
  return [
    figure("due", `Messages that are due and nobody sends, ${limit}.`, ({ due }) => due),
    figure("oldest_due_seconds", "How long the first of them is due.", (row) => row.due_seconds),
    figure("pending", `Messages not sent yet, ${limit}.`, ({ pending }) => pending),
    figure("oldest_pending_seconds", "Age of the oldest of them.", (row) => row.pending_seconds),
    figure(
      "failed_last_hour",
      `Messages given up within the last hour, ${limit}.`,
      (row) => row.failed_last_hour,
    ),
  ];
}

interface RecurringRow {
  readonly due_series: number;
  readonly outbox_events: number;
  readonly refused_events: number;
  readonly lag_seconds: number;
}

async function readRecurringTask(db: Kysely<unknown>): Promise<Figure[]> {
  const { rows } = await sql<RecurringRow>`
    select due_series, outbox_events, refused_events,
      ${secondsSince("oldest_at")} as lag_seconds
    from recurring.backlog`.execute(db);
  const figure = (name: string, help: string, of: (row: RecurringRow) => number): Figure => ({
    name: `task_events_${name}`,
    help,
    values: rows.map((row) => [{}, of(row)]),
  });
  return [
    figure("due_series", "Series with an occurrence due, up to 10,000.", (row) => row.due_series),
    figure(
      "outbox_events",
      "Occurrences that wait for the Broker, up to 10,000.",
      (row) => row.outbox_events,
    ),
    figure(
      "outbox_refused_events",
      "Those of them that the Broker has refused.",
      (row) => row.refused_events,
    ),
    figure(
      "schedule_lag_seconds",
      "How long the oldest occurrence is due that is neither published nor refused.",
      (row) => row.lag_seconds,
    ),
  ];
}

/** 0 where nothing waits. */
const secondsSince = (column: string) =>
  sql`coalesce(greatest(extract(epoch from now() - ${sql.ref(column)}), 0), 0)::float8`;
