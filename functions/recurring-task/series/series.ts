/** What is kept of a task, and its row. */
import type { Selectable } from "kysely";
import type { Place } from "../../../lib/events/order.ts";
import type { Recurrence } from "../recurrence/recurrence.ts";
import type { SeriesState, SeriesTable } from "../table.ts";
import { boundFields, formatFields, parseFields, type TaskFields } from "./task-fields.ts";

export interface Series {
  readonly taskId: string;
  readonly userId: string;
  readonly state: SeriesState;
  /** The last one, also where the series has ended. */
  readonly recurrence: Recurrence | null;
  readonly fields: TaskFields;
  /** False while only updates were seen: an older event can still tell fields that are missing. */
  readonly hasAllFields: boolean;
  /** Of the last event that said something about the recurrence. */
  readonly rulePlace: Place | null;
  /** Of the last event that was taken in. */
  readonly fieldsPlace: Place | null;
  /** Occurrences up to here were fired, skipped, or are the past of an edit. */
  readonly watermark: Date | null;
  readonly nextOccurrenceAt: Date | null;
  /** Of the event that made the series, for all that follows from it. */
  readonly traceparent: string | null;
}

export const newSeries = (taskId: string, userId: string): Series => ({
  taskId,
  userId,
  state: "none",
  recurrence: null,
  fields: new Map(),
  hasAllFields: false,
  rulePlace: null,
  fieldsPlace: null,
  watermark: null,
  nextOccurrenceAt: null,
  traceparent: null,
});

export const fromRow = (row: Selectable<SeriesTable>): Series => ({
  taskId: row.task_id,
  userId: row.user_id,
  state: row.state,
  recurrence: row.recurrence,
  fields: parseFields(row.fields),
  hasAllFields: row.has_all_fields,
  rulePlace: parsePlace(row.rule_place),
  fieldsPlace: parsePlace(row.fields_place),
  watermark: row.watermark,
  nextOccurrenceAt: row.next_occurrence_at,
  traceparent: row.traceparent,
});

export const toRow = (series: Series) => ({
  task_id: series.taskId,
  user_id: series.userId,
  state: series.state,
  recurrence: series.recurrence === null ? null : JSON.stringify(series.recurrence),
  fields: formatFields(boundFields(series.fields)),
  has_all_fields: series.hasAllFields,
  rule_place: series.rulePlace === null ? null : JSON.stringify(series.rulePlace),
  fields_place: series.fieldsPlace === null ? null : JSON.stringify(series.fieldsPlace),
  watermark: series.watermark,
  next_occurrence_at: series.nextOccurrenceAt,
  traceparent: series.traceparent,
});

function parsePlace(text: string | null): Place | null {
  if (text === null) return null;
  // Written by toRow: all but the time is as JSON has it.
  const place = JSON.parse(text) as Omit<Place, "at"> & { at: string };
  return { ...place, at: new Date(place.at) };
}
