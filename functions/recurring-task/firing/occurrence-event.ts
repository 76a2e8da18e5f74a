/** The event of an occurrence: made once, stored, and sent with the same bytes however often. */
import { createHash } from "node:crypto";
import { dataschemaOf } from "../../../lib/events/json-schema.ts";
import { taskRecurringTriggered } from "../../../lib/events/task.ts";
import type { Recurrence } from "../recurrence/recurrence.ts";
import { formatInstant, formatWallClock } from "../recurrence/wall-clock.ts";
import { openZone } from "../recurrence/zone.ts";
import { formatFields, mergeFields, type TaskFields } from "../series/task-fields.ts";

export const eventSource = "/recurring-task";

export interface OccurrenceEvent {
  readonly id: string;
  /** In the JSON event format: headers could not hold ids outside Latin-1. */
  readonly json: string;
}

export interface Occurrence {
  readonly taskId: string;
  readonly userId: string;
  readonly fields: TaskFields;
  readonly recurrence: Recurrence;
  /** In ms. */
  readonly at: number;
  readonly traceparent: string | undefined;
}

/** The same for each edit, replica and attempt: named by the task and the instant. ASCII, so that no header changes it. */
export function occurrenceId(taskId: string, at: number): string {
  const instant = formatInstant(at);
  const digest = createHash("sha256").update(`${taskId}\n${instant}`).digest("hex");
  return `${instant.replaceAll(/[-:]/g, "")}-${digest.slice(0, 32)}`;
}

export function toOccurrenceEvent(occurrence: Occurrence): OccurrenceEvent {
  const { taskId, userId, at, traceparent } = occurrence;
  const id = occurrenceId(taskId, at);
  const attributes = JSON.stringify({
    specversion: "1.0",
    id,
    source: eventSource,
    type: taskRecurringTriggered.type,
    subject: taskId,
    time: formatInstant(at),
    datacontenttype: "application/json",
    dataschema: dataschemaOf(taskRecurringTriggered),
    partitionkey: taskId,
    ...(traceparent === undefined ? {} : { traceparent }),
  });
  const owners = JSON.stringify({ task_id: taskId, user_id: userId });
  const data = `${owners.slice(0, -1)},"payload":${payloadOf(occurrence)}}`;
  return { id, json: `${attributes.slice(0, -1)},"data":${data}}` };
}

function payloadOf({ fields, recurrence, at }: Occurrence): string {
  const wall = openZone(recurrence.timeZone).toWall(at);
  const own: TaskFields = new Map([
    ["occurrence_at", JSON.stringify(formatInstant(at))],
    ["occurrence_local", JSON.stringify(formatWallClock(wall))],
    ["time_zone", JSON.stringify(recurrence.timeZone)],
  ]);
  return formatFields(mergeFields(fields, own));
}
