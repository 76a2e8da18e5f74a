/** What the functions know of an event, by their management routes. */
import { ask } from "../function/management.ts";
import type { FunctionOptions } from "../option.ts";

export interface TracedEvent {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly time: string | null;
  readonly task_id: string | null;
  readonly user_id: string | null;
  readonly extensions: Readonly<Record<string, string>>;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

/** Of audit-log's `GET /trace`. */
export interface Entry extends TracedEvent {
  readonly recorded_at: string;
}

interface WholeEntry extends Entry {
  readonly received_at: string;
  readonly duplicates: readonly {
    readonly recorded_at: string;
    readonly partition: number | null;
    readonly offset: number | null;
    readonly differs: boolean;
  }[];
  readonly triggered: readonly Entry[];
}

interface Notification {
  readonly event: { readonly source: string; readonly id: string };
  readonly user_id: string;
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly updated_at: string;
}

/** Of recurring-task's `GET /verdict`. */
interface Recurrence {
  readonly taken_in_at: string | null;
  readonly is_rule_of_event: boolean;
  readonly series: {
    readonly rrule: string;
    readonly state: string;
    readonly watermark: string | null;
    readonly occurrences: readonly { readonly at: string }[];
  } | null;
}

/** Of the local console's `GET /api/deliveries`. */
interface Attempt {
  readonly function: string;
  readonly attempt: number;
  readonly status: number | null;
  readonly ms: number;
  readonly at: string;
  readonly outcome: string;
}

export interface Verdicts {
  readonly event: TracedEvent;
  /** Null where the audit log has not recorded it. */
  readonly entry: {
    readonly recorded_at: string;
    readonly duplicates: WholeEntry["duplicates"];
  } | null;
  readonly notifications: readonly Notification[];
  readonly recurrence: Recurrence | null;
  readonly triggered: readonly Entry[];
  /** Null where the dispatcher does not tell: in a cluster. */
  readonly attempts: readonly Attempt[] | null;
}

export interface AskOptions extends FunctionOptions {
  readonly id: string;
  readonly source?: string;
  readonly token: string;
  readonly console: string;
}

/** One for each event of this id that the audit log has. */
export async function askFunctions(options: AskOptions): Promise<Verdicts[]> {
  const query = new URLSearchParams({
    id: options.id,
    ...(options.source === undefined ? {} : { source: options.source }),
  });
  const path = `/trace?${query.toString()}`;
  const answer = await ask("audit-log", options.auditLog, path, options.token);
  const { events } = answer as { events: readonly WholeEntry[] };
  return Promise.all(events.map((entry) => toVerdicts(entry, options)));
}

async function toVerdicts(entry: WholeEntry, options: AskOptions): Promise<Verdicts> {
  const { received_at: _, duplicates, triggered, recorded_at, ...event } = entry;
  return {
    event,
    entry: { recorded_at, duplicates },
    ...(await askOthers(event, options)),
    triggered,
  };
}

/** What all but the audit log know. */
export async function askOthers(event: TracedEvent, options: AskOptions) {
  const { source, id, task_id: taskId } = event;
  const byId = new URLSearchParams({ event_id: id, limit: "1000" });
  const identity = new URLSearchParams({
    source,
    id,
    ...(taskId === null ? {} : { task_id: taskId }),
  });
  const [listed, recurrence, attempts] = await Promise.all([
    ask("notification", options.notification, `/notifications?${byId.toString()}`, options.token),
    ask("recurring-task", options.recurringTask, `/verdict?${identity.toString()}`, options.token),
    readAttempts(options.console, source, id),
  ]);
  const { notifications } = listed as { notifications: readonly Notification[] };
  return {
    notifications: notifications.filter((it) => it.event.source === source),
    recurrence: (recurrence ?? null) as Recurrence | null,
    attempts,
  };
}

/** Where no local run's console answers, nobody knows the attempts. */
async function readAttempts(
  console: string,
  source: string,
  id: string,
): Promise<readonly Attempt[] | null> {
  const query = new URLSearchParams({ source, id, limit: "1000" });
  const response = await fetch(`${console}/api/deliveries?${query.toString()}`).catch(
    () => undefined,
  );
  if (response?.ok !== true) return null;
  const { deliveries } = (await response.json()) as { deliveries: readonly Attempt[] };
  return deliveries.toReversed();
}
