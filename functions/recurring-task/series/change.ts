/** What a task event does to a series, whatever order events come in. */
import { comparePlaces, type Place } from "../../../lib/events/order.ts";
import { type DueLimits, firstAfter, takeDue } from "../firing/due.ts";
import { openSchedule, type Recurrence } from "../recurrence/recurrence.ts";
import type { Series } from "./series.ts";
import { mergeFields, type TaskFields } from "./task-fields.ts";

export interface Change {
  readonly kind: "created" | "updated" | "deleted";
  readonly userId: string;
  readonly place: Place;
  /** When it takes effect: the event's time, no later than its receipt. */
  readonly at: Date;
  readonly fields: TaskFields;
  /** Null ends the series; undefined says nothing about it. */
  readonly recurrence: Recurrence | null | undefined;
  readonly traceparent: string | undefined;
}

export interface Changed {
  readonly series: Series;
  /** Occurrences of the rule so far that were due when the new one came, in ms. */
  readonly fired: readonly number[];
  readonly skipped: number;
  /** What became of the rule so far: unless it is kept, what it has in the outbox is taken back. */
  readonly rule: "kept" | "replaced" | "ended";
}

/** Null where nothing changes: an event older than what is stored. */
export function applyChange(series: Series, change: Change, limits: DueLimits): Changed | null {
  if (change.kind === "deleted") return applyDelete(series, change, limits);
  if (series.state === "deleted" && change.kind === "updated") return null;
  const withFields = applyFields(series, change);
  const recurrence = change.kind === "created" ? (change.recurrence ?? null) : change.recurrence;
  if (recurrence === undefined || !isNewer(change.place, series.rulePlace)) {
    return withFields === series ? null : unfired(withFields);
  }
  const placed = { ...withFields, rulePlace: change.place };
  if (recurrence === null) return endSeries(placed, change, limits);
  if (series.state === "active" && isSame(series.recurrence, recurrence)) return unfired(placed);
  return startSeries(placed, recurrence, change, limits);
}

const isNewer = (place: Place, stored: Place | null): boolean =>
  stored === null || comparePlaces(place, stored) > 0;

const isSame = (a: Recurrence | null, b: Recurrence): boolean =>
  a !== null &&
  a.rrule === b.rrule &&
  a.dtstart === b.dtstart &&
  a.timeZone === b.timeZone &&
  a.catchUp === b.catchUp &&
  a.exdates.join() === b.exdates.join();

const unfired = (series: Series): Changed => ({ series, fired: [], skipped: 0, rule: "kept" });

/** A newer event's fields win; an older one's fill what only updates have told so far. */
function applyFields(series: Series, { kind, userId, place, fields }: Change): Series {
  const isCreated = kind === "created";
  if (isNewer(place, series.fieldsPlace)) {
    const known = series.hasAllFields || isCreated;
    const merged = isCreated ? fields : mergeFields(series.fields, fields);
    return { ...series, userId, fields: merged, hasAllFields: known, fieldsPlace: place };
  }
  if (series.hasAllFields) return series;
  return { ...series, fields: mergeFields(fields, series.fields), hasAllFields: isCreated };
}

/** The tombstone keeps the place: an older create that comes late is older than it. */
function applyDelete(series: Series, change: Change, limits: DueLimits): Changed | null {
  const { place, userId } = change;
  if (!isNewer(place, series.fieldsPlace) || !isNewer(place, series.rulePlace)) return null;
  const ended = endSeries(series, change, limits);
  const tombstone: Series = {
    ...ended.series,
    userId,
    state: "deleted",
    fields: new Map(),
    hasAllFields: true,
    rulePlace: place,
    fieldsPlace: place,
  };
  return { ...ended, series: tombstone };
}

/** What was due and not yet fired is not fired any more: the person does not want it. */
function endSeries(series: Series, { at }: Change, limits: DueLimits): Changed {
  const due = dueBefore(series, at, limits);
  const hadRule = series.recurrence !== null;
  return {
    series: {
      ...series,
      state: hadRule ? "ended" : "none",
      nextOccurrenceAt: null,
      watermark: hadRule ? later(series.watermark, at) : series.watermark,
    },
    fired: [],
    skipped: due.fired.length + due.skipped,
    rule: hadRule ? "ended" : "kept",
  };
}

/** The rule so far is in force up to `at`, the new one from there: nothing of the past, nothing twice, no gap. */
function startSeries(
  series: Series,
  recurrence: Recurrence,
  change: Change,
  limits: DueLimits,
): Changed {
  const due = dueBefore(series, change.at, limits);
  const watermark = later(series.watermark, change.at);
  const started = {
    ...series,
    recurrence,
    watermark,
    traceparent: change.traceparent ?? null,
  };
  return {
    series: { ...started, ...upcoming(recurrence, watermark) },
    fired: due.fired,
    skipped: due.skipped,
    rule: series.recurrence === null ? "kept" : "replaced",
  };
}

/** The state and the next occurrence of a rule after a watermark. */
export function upcoming(
  recurrence: Recurrence,
  watermark: Date,
): Pick<Series, "state" | "nextOccurrenceAt"> {
  const next = firstAfter(openSchedule(recurrence), watermark.getTime());
  return next === null
    ? { state: "ended", nextOccurrenceAt: null }
    : { state: "active", nextOccurrenceAt: new Date(next) };
}

function dueBefore(series: Series, at: Date, limits: DueLimits) {
  const { recurrence, watermark, nextOccurrenceAt } = series;
  const isDue = nextOccurrenceAt !== null && nextOccurrenceAt <= at;
  if (!isDue || recurrence === null || watermark === null) return { fired: [], skipped: 0 };
  const span = { watermark: watermark.getTime(), now: at.getTime() };
  return takeDue(openSchedule(recurrence), recurrence.catchUp, span, limits);
}

const later = (a: Date | null, b: Date): Date => (a !== null && a > b ? a : b);
