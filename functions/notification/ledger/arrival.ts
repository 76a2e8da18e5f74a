/** An event on its way into the ledger: its key, a hash of what it says, and what a message needs of it. */
import type { EventOf } from "../../../lib/host/function.ts";
import { contentDigest, identityKey } from "../../../lib/events/identity.ts";
import type { TaskData, TriggeredData } from "../../../lib/events/task.ts";
import type { Content } from "./table.ts";

export interface Arrival {
  readonly key: Buffer;
  readonly contentHash: Buffer;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly userId: string;
  readonly content: Content;
  readonly traceparent: string | undefined;
}

/** Longer texts are cut: a message is a notice of a task, not a copy of it. */
const maxTitle = 200;
const maxDescription = 1_000;

export function toArrival(
  event: EventOf<TaskData | TriggeredData>,
  traceparent: string | undefined,
): Arrival {
  const { source, id, type, data } = event;
  const payload = data.payload ?? {};
  const occurrenceAt = "occurrence_at" in payload ? payload.occurrence_at : null;
  return {
    key: identityKey(event),
    contentHash: contentDigest(event),
    source,
    id,
    type,
    userId: data.user_id,
    content: {
      taskId: plain(data.task_id, 256),
      title: orNull(payload.title, maxTitle),
      description: orNull(payload.description, maxDescription),
      dueAt: orNull(payload.due_at, 64),
      occurrenceAt: orNull(occurrenceAt, 64),
    },
    traceparent,
  };
}

const orNull = (text: unknown, maxLength: number): string | null =>
  typeof text === "string" && text.trim() !== "" ? plain(text, maxLength) : null;

/** What PostgreSQL can hold as jsonb: no NUL, no lone surrogate. */
function plain(text: string, maxLength: number): string {
  const whole = text.replaceAll("\u0000", "").toWellFormed();
  return whole.length <= maxLength
    ? whole
    : `${whole
        .slice(0, maxLength - 1)
        .toWellFormed()
        .replace(/\ufffd$/, "")}…`;
}
