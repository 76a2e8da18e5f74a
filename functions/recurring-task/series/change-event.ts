/** Task events as changes of a series; a recurrence that cannot be kept is refused here. */
import type { TaskData } from "../../../lib/events/task.ts";
import { effectiveTime } from "../../../lib/events/time.ts";
import type { EventOf } from "../../../lib/host/function.ts";
import type { Change } from "./change.ts";
import { parseRecurrence, type Recurrence } from "../recurrence/recurrence.ts";
import { readFields } from "./task-fields.ts";

const rank = { created: 0, updated: 1, deleted: 2 };

export function toChange(
  kind: Change["kind"],
  event: EventOf<TaskData>,
  traceparent: string | undefined,
): Change {
  const effectiveAt = effectiveTime(event);
  return {
    kind,
    userId: event.data.user_id,
    place: {
      // Of two events of one instant the create comes first, the delete last; then the ids decide.
      id: `${rank[kind]} ${event.id}`,
      source: event.source,
      at: effectiveAt,
      position: event.position,
      generation: null,
    },
    at: effectiveAt < event.receivedAt ? effectiveAt : event.receivedAt,
    fields: kind === "deleted" ? new Map() : readFields(event.bytes),
    recurrence: kind === "deleted" ? null : recurrenceOf(event.data),
    traceparent,
  };
}

function recurrenceOf({ payload }: TaskData): Recurrence | null | undefined {
  const recurrence = payload?.recurrence;
  return recurrence === undefined || recurrence === null ? recurrence : parseRecurrence(recurrence);
}
