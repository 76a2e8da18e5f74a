/** The parts of a recurrence rule, each held to its own range: what is not listed here is refused. */
import { refusal, shown } from "./refusal.ts";

export const frequencies = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"] as const;
export type Frequency = (typeof frequencies)[number];

export interface RuleParts {
  FREQ: Frequency;
  INTERVAL?: number;
  COUNT?: number;
  /** UTC, in milliseconds. */
  UNTIL?: number;
  WKST?: string;
  BYMONTH?: number[];
  BYMONTHDAY?: number[];
  BYYEARDAY?: number[];
  BYDAY?: string[];
  BYHOUR?: number[];
  BYMINUTE?: number[];
  BYSETPOS?: number[];
}

/** Why a part that RFC 5545 knows is refused here. */
const unsupported: Readonly<Record<string, string>> = {
  BYSECOND: "is not supported: the seconds are those of dtstart",
  BYWEEKNO: "is not supported: programs disagree on the weeks around New Year; use BYMONTH",
};

const weekday = /^(?:MO|TU|WE|TH|FR|SA|SU)$/;
const weekdayOfPeriod = /^(?:[+-]?([1-9]\d?))?(?:MO|TU|WE|TH|FR|SA|SU)$/;

/** Sets one part. `name` and `value` are in upper case. */
export function setPart(parts: Partial<RuleParts>, name: string, value: string): void {
  switch (name) {
    case "FREQ":
      parts.FREQ = frequency(value);
      return;
    case "INTERVAL":
      parts.INTERVAL = integer(name, value, 1, 1_000);
      return;
    case "COUNT":
      parts.COUNT = integer(name, value, 1, 10_000);
      return;
    case "UNTIL":
      parts.UNTIL = until(value);
      return;
    case "WKST":
      if (!weekday.test(value)) throw refusal("rrule", `WKST ${shown(value)} is not a weekday`);
      parts.WKST = value;
      return;
    case "BYDAY":
      parts.BYDAY = weekdays(value);
      return;
    default:
      setList(parts, name, value);
  }
}

function setList(parts: Partial<RuleParts>, name: string, value: string): void {
  switch (name) {
    case "BYMONTH":
      parts.BYMONTH = list(name, value, 1, 12);
      return;
    case "BYMONTHDAY":
      parts.BYMONTHDAY = list(name, value, -31, 31).filter(notZero(name));
      return;
    case "BYYEARDAY":
      parts.BYYEARDAY = list(name, value, -366, 366).filter(notZero(name));
      return;
    case "BYSETPOS":
      parts.BYSETPOS = list(name, value, -366, 366).filter(notZero(name));
      return;
    case "BYHOUR":
      parts.BYHOUR = list(name, value, 0, 23);
      return;
    case "BYMINUTE":
      parts.BYMINUTE = list(name, value, 0, 59);
      return;
    default:
      throw refusal("rrule", `${shown(name)} ${unsupported[name] ?? "is not a known part"}`);
  }
}

function frequency(value: string): Frequency {
  const found = frequencies.find((known) => known === value);
  if (found !== undefined) return found;
  const reason = value === "SECONDLY" ? "is finer than MINUTELY" : "is not a frequency";
  throw refusal("rrule", `FREQ ${shown(value)} ${reason}`);
}

function integer(name: string, text: string, min: number, max: number): number {
  const value = /^[+-]?\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw refusal("rrule", `${name} ${shown(text)} is not a whole number from ${min} to ${max}`);
}

const list = (name: string, text: string, min: number, max: number): number[] => [
  ...new Set(text.split(",").map((item) => integer(name, item, min, max))),
];

const notZero =
  (name: string) =>
  (value: number): boolean => {
    if (value === 0) throw refusal("rrule", `${name} counts from 1 or from -1, never 0`);
    return true;
  };

function weekdays(text: string): string[] {
  const days = [...new Set(text.split(",").map((day) => day.replace(/^\+(?=\d)/, "")))];
  for (const day of days) {
    if (weekdayOfPeriod.test(day) && Math.abs(Number.parseInt(day, 10) || 0) <= 53) continue;
    throw refusal("rrule", `BYDAY ${shown(day)} is not a weekday such as MO, 2MO or -1FR`);
  }
  return days;
}

/** RFC 5545 wants UTC where dtstart has a time zone; a date alone or a local time is read differently by programs. */
function until(text: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const [, year, month, day, hour, minute, second] = match ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const instant = match === null ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(instant) || new Date(instant).toISOString() !== iso) {
    throw refusal("rrule", `UNTIL ${shown(text)} is not a UTC time such as 20261231T080000Z`);
  }
  return instant;
}
