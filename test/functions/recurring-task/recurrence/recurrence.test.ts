/** What is refused, with which words, and at what cost. */
import { describe, expect, it } from "vitest";
import {
  openSchedule,
  parseRecurrence,
} from "../../../../functions/recurring-task/recurrence/recurrence.ts";

const data = (more: object) => ({
  rrule: "FREQ=DAILY",
  dtstart: "2026-03-01T09:30:00",
  time_zone: "Europe/Berlin",
  ...more,
});

const refusalOf = (more: object): string => {
  try {
    parseRecurrence(data(more));
  } catch (error) {
    expect(error).toMatchObject({ code: "recurrence_invalid", status: 422 });
    return error instanceof Error ? error.message : "";
  }
  return "accepted";
};

const first = (more: object): string => {
  const [at] = openSchedule(parseRecurrence(data(more))).after(0);
  return new Date(at ?? Number.NaN).toISOString();
};

describe("a rule", () => {
  it.each([
    ["", 'has "" where NAME=VALUE belongs'],
    ["FREQ=DAILY;", 'has "" where NAME=VALUE belongs'],
    ["FREQ=DAILY\nRRULE:FREQ=SECONDLY", "where NAME=VALUE belongs"],
    ["DTSTART:20260301T093000Z\nRRULE:FREQ=DAILY", "where NAME=VALUE belongs"],
    ["FREQ=DAILY;X-A=1", "where NAME=VALUE belongs"],
    ["FREQ=DAILY;__PROTO__=1", "where NAME=VALUE belongs"],
    ["FREQ=DAILY;CONSTRUCTOR=1", '"CONSTRUCTOR" is not a known part'],
    ["INTERVAL=2", "has no FREQ"],
    ["FREQ=FOO", 'FREQ "FOO" is not a frequency'],
    ["FREQ=SECONDLY", 'FREQ "SECONDLY" is finer than MINUTELY'],
    ["FREQ=DAILY;FREQ=DAILY", "has FREQ twice"],
    ["FREQ=DAILY;FOO=1", '"FOO" is not a known part'],
    ["FREQ=DAILY;RSCALE=HEBREW", '"RSCALE" is not a known part'],
    ["FREQ=DAILY;BYSECOND=1", '"BYSECOND" is not supported'],
    ["FREQ=YEARLY;BYWEEKNO=20", '"BYWEEKNO" is not supported'],
    ["FREQ=DAILY;INTERVAL=0", 'INTERVAL "0" is not a whole number from 1 to 1000'],
    ["FREQ=DAILY;INTERVAL=-1", "INTERVAL"],
    ["FREQ=DAILY;INTERVAL=1001", "INTERVAL"],
    ["FREQ=DAILY;INTERVAL=1E12", "INTERVAL"],
    ["FREQ=DAILY;INTERVAL=0X10", "INTERVAL"],
    ["FREQ=DAILY;COUNT=0", "COUNT"],
    ["FREQ=DAILY;COUNT=1e9", "COUNT"],
    ["FREQ=DAILY;COUNT=10001", "COUNT"],
    ["FREQ=DAILY;COUNT=1;UNTIL=20270101T000000Z", "has both COUNT and UNTIL"],
    ["FREQ=DAILY;UNTIL=20270101", "is not a UTC time"],
    ["FREQ=DAILY;UNTIL=20270101T000000", "is not a UTC time"],
    ["FREQ=DAILY;UNTIL=20270230T000000Z", "is not a UTC time"],
    ["FREQ=DAILY;UNTIL=20270101T240000Z", "is not a UTC time"],
    ["FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"],
    ["FREQ=MONTHLY;BYMONTHDAY=0", "never 0"],
    ["FREQ=MONTHLY;BYMONTH=13", "BYMONTH"],
    ["FREQ=DAILY;BYHOUR=24", "BYHOUR"],
    ["FREQ=DAILY;BYHOUR=1,,2", "BYHOUR"],
    ["FREQ=DAILY;BYMINUTE=60", "BYMINUTE"],
    ["FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY"],
    ["FREQ=YEARLY;BYDAY=MO;BYSETPOS=367", "BYSETPOS"],
    ["FREQ=DAILY;BYSETPOS=1", "without another BY part"],
    ["FREQ=WEEKLY;BYDAY=XX", 'BYDAY "XX" is not a weekday'],
    ["FREQ=WEEKLY;BYDAY=0MO", 'BYDAY "0MO" is not a weekday'],
    ["FREQ=WEEKLY;BYDAY=1MO", "numbered weekday"],
    ["FREQ=MONTHLY;BYDAY=6MO", "above 5"],
    ["FREQ=YEARLY;BYDAY=54MO", "is not a weekday"],
    ["FREQ=WEEKLY;WKST=1MO", "WKST"],
    ["FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY with FREQ=WEEKLY"],
    ["FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY with FREQ"],
    ["FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1", "BYSETPOS with FREQ=WEEKLY"],
    ["FREQ=YEARLY;BYDAY=1MO;BYMONTHDAY=1", "numbered weekday together with BYMONTHDAY"],
    ["FREQ=YEARLY;BYDAY=MO;BYYEARDAY=1", "BYYEARDAY together"],
    ["FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,10,20,30,40", "more than 24 times a day"],
    [`FREQ=MONTHLY;BYDAY=${"MO,".repeat(3_000)}TU`, "longer than 512 bytes"],
  ])("%s is refused: %s", (rrule, reason) => {
    expect(refusalOf({ rrule })).toContain(reason);
    expect(refusalOf({ rrule })).toMatch(/^recurrence: rrule /);
  });

  it.each([
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;INTERVAL=60;BYMINUTE=31",
    "FREQ=YEARLY;BYSETPOS=366;BYDAY=MO",
    "FREQ=DAILY;UNTIL=20200101T000000Z",
  ])("that never matches is found at once: %s", (rrule) => {
    const startedAt = performance.now();
    expect(refusalOf({ rrule })).toContain("has no occurrence");
    // 200 ms when measured alone; the bound is for a busy machine.
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it.each(["freq=daily;byhour=10", "RRULE:FREQ=DAILY;BYHOUR=10", "FREQ=DAILY;BYHOUR=10,10"])(
    "in another spelling is the same: %s",
    (rrule) => {
      expect(first({ rrule })).toBe("2026-03-01T09:30:00.000Z");
    },
  );

  it("of 10,000 occurrences is counted once, when it comes", () => {
    const recurrence = parseRecurrence(data({ rrule: "FREQ=DAILY;COUNT=10000" }));
    const schedule = openSchedule(recurrence);
    const after = Date.UTC(2053, 6, 14);
    expect([...schedule.after(after)].map((at) => new Date(at).toISOString())).toEqual([
      "2053-07-14T07:30:00.000Z",
      "2053-07-15T07:30:00.000Z",
      "2053-07-16T07:30:00.000Z",
    ]);
  });
});

describe("dtstart and exdates", () => {
  it.each([
    ["2026-03-01T09:30:00", "2026-03-01T08:30:00.000Z"],
    ["2026-03-01T09:30", "2026-03-01T08:30:00.000Z"],
    ["2026-03-01T09:30:00.999Z", "2026-03-01T09:30:00.000Z"],
    ["2026-03-01T09:30:00-05:00", "2026-03-01T14:30:00.000Z"],
  ])("%s is %s", (dtstart, at) => {
    expect(first({ dtstart })).toBe(at);
    const exdates = [dtstart];
    expect(first({ dtstart, exdates }).slice(8, 10)).toBe("02");
  });

  it.each([
    "",
    "2026-03-01",
    "2026-02-30T09:30:00",
    "2026-03-01T24:00:00",
    "2026-03-01T09:30:60",
    "20260301T093000",
    "2026-03-01 09:30:00",
    "2026-03-01T09:30:00[Europe/Berlin]",
    "1969-12-31T23:59:59",
    "9999-12-31T23:59:59",
  ])("%s is refused", (text) => {
    expect(refusalOf({ dtstart: text })).toMatch(/^recurrence: dtstart /);
    expect(refusalOf({ exdates: ["2026-03-01T09:30:00", text] })).toContain("exdates[1]");
  });

  it("in a gap of the clocks is refused as dtstart", () => {
    expect(refusalOf({ dtstart: "2026-03-29T02:30:00" })).toContain(
      "2026-03-29T02:30:00 does not exist in Europe/Berlin",
    );
  });
});

describe("time_zone", () => {
  it.each(["Mars/Base", "+01:00", "Europe/Berlin\n", "../etc", "CET-1CEST", ""])(
    "%j is refused",
    (zone) => {
      expect(refusalOf({ time_zone: zone })).toContain("is not an IANA time zone");
    },
  );

  it.each(["UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "europe/berlin"])(
    "%s is known",
    (zone) => {
      expect(refusalOf({ time_zone: zone })).toBe("accepted");
    },
  );
});
