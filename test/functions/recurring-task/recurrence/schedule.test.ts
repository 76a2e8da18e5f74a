/** Occurrences against python-dateutil, which shares no code with the engine. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  openSchedule,
  parseRecurrence,
} from "../../../../functions/recurring-task/recurrence/recurrence.ts";
import type { Schedule } from "../../../../functions/recurring-task/recurrence/schedule.ts";
import { formatInstant } from "../../../../functions/recurring-task/recurrence/wall-clock.ts";

interface Case {
  readonly name?: string;
  readonly rrule: string;
  readonly dtstart: string;
  readonly time_zone: string;
  readonly exdates?: string[];
  readonly occurrences: readonly string[];
}

const readCases = async (file: string): Promise<Case[]> => {
  const url = new URL(`../../../fixtures/recurrence/${file}.json`, import.meta.url);
  return JSON.parse(await readFile(url, "utf8")) as Case[];
};

const [named, random] = await Promise.all([readCases("named"), readCases("random")]);

function scheduleOf({ rrule, dtstart, time_zone, exdates }: Case): Schedule {
  const recurrence = { rrule, dtstart, time_zone };
  return openSchedule(
    parseRecurrence(exdates === undefined ? recurrence : { ...recurrence, exdates }),
  );
}

function take(schedule: Schedule, count: number, after = 0): string[] {
  const found: string[] = [];
  for (const at of schedule.after(after)) {
    if (found.length === count) break;
    found.push(formatInstant(at));
  }
  return found;
}

const occurrencesOf = (oracle: Case, count = oracle.occurrences.length): string[] =>
  take(scheduleOf(oracle), count);

const hasEnd = ({ rrule }: Case): boolean => /COUNT|UNTIL/.test(rrule);

describe("occurrences", () => {
  it.each(named)("are those of python-dateutil: $name", (oracle) => {
    expect(occurrencesOf(oracle)).toEqual(oracle.occurrences);
  });

  it("are those of python-dateutil for 400 random rules", () => {
    expect(random).toHaveLength(400);
    for (const oracle of random) {
      expect({ ...oracle, occurrences: occurrencesOf(oracle) }).toEqual(oracle);
    }
  });

  it("end where COUNT or UNTIL say, and not before", () => {
    const ending = random.filter((oracle) => hasEnd(oracle) && oracle.occurrences.length < 10);
    expect(ending.length).toBeGreaterThan(50);
    for (const oracle of ending) {
      expect({ ...oracle, occurrences: occurrencesOf(oracle, 100) }).toEqual(oracle);
    }
  });

  it("are the same from any watermark on, clock changes included", () => {
    for (const oracle of [...named, ...random]) {
      const schedule = scheduleOf(oracle);
      oracle.occurrences.forEach((watermark, index) => {
        const rest = oracle.occurrences.slice(index + 1);
        const after = Date.parse(watermark);
        const found = {
          rest: take(schedule, rest.length, after),
          at: take(schedule, 1, after - 1),
        };
        expect({ ...oracle, ...found }).toEqual({ ...oracle, rest, at: [watermark] });
      });
    }
  });
});
