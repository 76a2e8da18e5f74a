/** Series by the million: a few that the function itself has made of events, copied under other names. */
import { type BenchDatabase, filling, withClient } from "../database.ts";
import type { PostedEvent } from "../post.ts";

/** Of the rules, in people's time zones; each has an occurrence on every day. */
const timeZones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"];
const rules = ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"];

const minuteMs = 60_000;

/** Two series a rule and zone, alike but for what they have fired already: the one is due now, the other tomorrow. */
export function patternEvents(): PostedEvent[] {
  const occurrenceAt = Date.now() - 5 * minuteMs;
  return rules.flatMap((rrule, rule) =>
    timeZones.flatMap((timeZone, zone) =>
      [true, false].map((isDue) => {
        const taskId = `pattern-${isDue ? "due" : "idle"}-${rule * timeZones.length + zone}`;
        const dtstart = `2020-01-01T${timeOfDay(occurrenceAt, timeZone)}`;
        const recurrence = { rrule, dtstart, time_zone: timeZone };
        const title = "Water the plants on the balcony";
        const description = "Every day, also when nobody is at home. ".repeat(3);
        return {
          id: taskId,
          type: "task.created",
          taskId,
          // The watermark begins here: after this instant an occurrence is due.
          time: new Date(isDue ? occurrenceAt - 60 * minuteMs : Date.now()),
          data: { task_id: taskId, user_id: "user", payload: { title, description, recurrence } },
        };
      }),
    ),
  );
}

const timeOfDay = (ms: number, timeZone: string): string =>
  new Intl.DateTimeFormat("sv", { timeZone, timeStyle: "medium" }).format(ms);

const patterns = rules.length * timeZones.length;

/** In place of what the function made of the patterns: `all` series, of which `due` are due, evenly spread. */
export async function fillSeries(
  { adminUrl }: BenchDatabase,
  { all, due }: { all: number; due: number },
): Promise<void> {
  const every = Math.floor(all / due);
  // Which pattern a series has does not follow from its number.
  const statements = `
    set search_path = recurring;
    create table pattern as select * from series;
    truncate series;
    insert into series
    select 'task-' || n, 'user-' || n % 10000, state, recurrence, fields, has_all_fields, rule_place, fields_place,
      watermark, next_occurrence_at, claimed_at, zone_data_version, traceparent, updated_at
    from generate_series(1, ${all}) as n join pattern on pattern.task_id =
      case when n % ${every} = 0 then 'pattern-due-' else 'pattern-idle-' end || (hashint4(n) & ${patterns - 1});
    create table due as select task_id, watermark, next_occurrence_at from series where next_occurrence_at <= now();`;
  await withClient(adminUrl, async (admin) => {
    await filling(adminUrl, () => admin.query(statements));
    await admin.query("vacuum analyze recurring.series");
  });
}

/** As if they had never fired. */
export const makeDueAgain = ({ adminUrl }: BenchDatabase): Promise<void> =>
  withClient(adminUrl, async (admin) => {
    await admin.query(`
      update recurring.series set
        watermark = due.watermark, next_occurrence_at = due.next_occurrence_at, claimed_at = null
      from recurring.due where series.task_id = due.task_id`);
    await admin.query("vacuum analyze recurring.series");
  });
