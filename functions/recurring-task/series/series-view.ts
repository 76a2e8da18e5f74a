/** A series as the management routes show it. */
import { openSchedule } from "../recurrence/recurrence.ts";
import { formatInstant, formatWallClock } from "../recurrence/wall-clock.ts";
import { openZone } from "../recurrence/zone.ts";
import type { Series } from "./series.ts";

export interface SeriesView {
  readonly task_id: string;
  readonly user_id: string;
  readonly rrule: string;
  readonly dtstart: string;
  readonly time_zone: string;
  readonly exdates: readonly string[];
  readonly catch_up: string;
  readonly state: "active" | "ended";
  readonly watermark: string | null;
  readonly occurrences: readonly { at: string; local: string }[];
}

/** With the next `count` occurrences after `now`. */
export function toSeriesView(series: Series, now: Date, count: number): SeriesView {
  const { recurrence, watermark } = series;
  if (recurrence === null) throw new Error(`series ${series.taskId} has no rule`);
  return {
    task_id: series.taskId,
    user_id: series.userId,
    rrule: recurrence.rrule,
    dtstart: recurrence.dtstart,
    time_zone: recurrence.timeZone,
    exdates: recurrence.exdates,
    catch_up: recurrence.catchUp,
    state: series.state === "active" ? "active" : "ended",
    watermark: watermark === null ? null : watermark.toISOString(),
    occurrences: series.state === "active" ? nextOccurrences(series, now, count) : [],
  };
}

function nextOccurrences({ recurrence, watermark }: Series, now: Date, count: number) {
  if (recurrence === null) return [];
  const zone = openZone(recurrence.timeZone);
  const after = Math.max(now.getTime(), watermark?.getTime() ?? 0);
  const occurrences: { at: string; local: string }[] = [];
  for (const at of openSchedule(recurrence).after(after)) {
    if (occurrences.length === count) break;
    occurrences.push({ at: formatInstant(at), local: formatWallClock(zone.toWall(at)) });
  }
  return occurrences;
}
