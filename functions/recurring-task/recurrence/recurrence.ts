/** The `payload.recurrence` of a task event: refused with the reason, or kept in the form that is stored. */
import type { Recurrence as RecurrenceData } from "../../../lib/events/task.ts";
import { PermanentError } from "../../../lib/host/error.ts";
import { refusal } from "./refusal.ts";
import { parseRule } from "./rule.ts";
import type { RuleParts } from "./rule-part.ts";
import { createSchedule, findFirst, findLast, isOutOfReach, type Schedule } from "./schedule.ts";
import { formatWallClock, parseWallClock } from "./wall-clock.ts";
import { openZone, type Zone } from "./zone.ts";

export type CatchUp = "all" | "latest" | "none";

export interface Recurrence {
  /** As the producer wrote it. */
  readonly rrule: string;
  /** Wall clock in `timeZone`: `2026-12-31T09:00:00`. */
  readonly dtstart: string;
  readonly timeZone: string;
  readonly exdates: readonly string[];
  readonly catchUp: CatchUp;
  /** Where COUNT ends the rule: engine time, see schedule.ts. Null without COUNT. */
  readonly last: number | null;
}

/** Throws PermanentError `recurrence_invalid` with the part and the reason. */
export function parseRecurrence(data: RecurrenceData): Recurrence {
  const rule = parseRule(data.rrule);
  const zone = openZone(data.time_zone);
  const { wall, instant } = parseWallClock("dtstart", data.dtstart, zone);
  if (instant === null && zone.toWall(zone.toInstant(wall)) !== wall) {
    throw refusal(
      "dtstart",
      `${data.dtstart} does not exist in ${zone.name}: clocks are set forward over it`,
    );
  }
  const exdates = data.exdates ?? [];
  parseExdates(exdates, zone);
  return {
    rrule: data.rrule,
    dtstart: formatWallClock(wall),
    timeZone: data.time_zone,
    exdates,
    catchUp: data.catch_up ?? "all",
    last: findEnd(rule, wall, zone),
  };
}

/** Of a recurrence that was parsed before, perhaps under older time zone data. */
export function openSchedule(recurrence: Recurrence): Schedule {
  const zone = openZone(recurrence.timeZone);
  return createSchedule({
    rule: parseRule(recurrence.rrule),
    dtstart: parseWallClock("dtstart", recurrence.dtstart, zone).wall,
    zone,
    exdates: parseExdates(recurrence.exdates, zone),
    last: recurrence.last,
  });
}

const parseExdates = (exdates: readonly string[], zone: Zone): Set<number> =>
  new Set(
    exdates.map((text, index) => {
      const { wall, instant } = parseWallClock(`exdates[${index}]`, text, zone);
      return instant === null ? zone.toInstant(wall) : Math.floor(instant / 1000) * 1000;
    }),
  );

/** Runs the rule once: one that never matches is found here, and where COUNT ends it. */
function findEnd(rule: RuleParts, dtstart: number, zone: Zone): number | null {
  const parts = { rule, dtstart, zone };
  try {
    if (findFirst(parts) === null) {
      throw refusal("rrule", "has no occurrence: nothing from dtstart to its end matches");
    }
    return rule.COUNT === undefined ? null : findLast(parts, rule.COUNT);
  } catch (cause) {
    if (cause instanceof PermanentError) throw cause;
    if (isOutOfReach(cause)) throw refusal("rrule", "has a COUNT too far away to be found", cause);
    // The engine is stricter than our grammar in a case that we do not know of.
    throw refusal("rrule", `is refused: ${cause instanceof Error ? cause.message : ""}`, cause);
  }
}
