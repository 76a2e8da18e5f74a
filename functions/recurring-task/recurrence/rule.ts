/** RFC 5545 recurrence rules from strangers: a strict grammar of our own in front of the engine. */
import { refusal } from "./refusal.ts";
import { type Frequency, type RuleParts, setPart } from "./rule-part.ts";

const lengthLimitBytes = 512;
/** Times a day that BYHOUR and BYMINUTE may list: more is what HOURLY and MINUTELY are for. */
const timesADay = 24;

/** One line such as `FREQ=MONTHLY;BYMONTHDAY=31`, with or without a leading `RRULE:`, in any case. */
export function parseRule(text: string): RuleParts {
  if (Buffer.byteLength(text) > lengthLimitBytes) {
    throw refusal("rrule", `is longer than ${lengthLimitBytes} bytes`);
  }
  const line = text.toUpperCase().replace(/^RRULE:/, "");
  const parts: Partial<RuleParts> = {};
  for (const part of line.split(";")) {
    const match = /^([A-Z]+)=([0-9A-Z,+-]+)$/.exec(part);
    const [, name, value] = match ?? [];
    if (name === undefined || value === undefined) {
      throw refusal("rrule", `has ${JSON.stringify(part.slice(0, 40))} where NAME=VALUE belongs`);
    }
    if (Object.hasOwn(parts, name)) throw refusal("rrule", `has ${name} twice`);
    setPart(parts, name, value);
  }
  const { FREQ } = parts;
  if (FREQ === undefined) throw refusal("rrule", "has no FREQ");
  checkTogether({ ...parts, FREQ });
  return { ...parts, FREQ };
}

/** Each with the sentence that it is refused with. */
const refusedTogether: readonly [(parts: RuleParts) => boolean, string][] = [
  [(p) => p.COUNT !== undefined && p.UNTIL !== undefined, "has both COUNT and UNTIL"],
  [
    (p) => hasOrdinals(p) && !isOneOf(p, "MONTHLY", "YEARLY"),
    "has a numbered weekday in BYDAY, which only MONTHLY and YEARLY can have",
  ],
  [
    (p) => hasOrdinals(p) && (p.FREQ === "MONTHLY" || p.BYMONTH !== undefined) && maxOrdinal(p) > 5,
    "numbers a weekday in BYDAY above 5, which no month has",
  ],
  [(p) => p.BYMONTHDAY !== undefined && p.FREQ === "WEEKLY", "has BYMONTHDAY with FREQ=WEEKLY"],
  [
    (p) => p.BYYEARDAY !== undefined && isOneOf(p, "DAILY", "WEEKLY", "MONTHLY"),
    "has BYYEARDAY with FREQ=DAILY, WEEKLY or MONTHLY",
  ],
  [
    (p) => p.FREQ === "YEARLY" && p.BYMONTHDAY !== undefined && hasOrdinals(p),
    "has a numbered weekday together with BYMONTHDAY in a YEARLY rule, which is not supported",
  ],
  [
    // The engine passes over BYDAY there, and adds BYMONTHDAY (found against python-dateutil).
    (p) =>
      p.FREQ === "YEARLY" && p.BYYEARDAY !== undefined && (p.BYDAY ?? p.BYMONTHDAY) !== undefined,
    "has BYYEARDAY together with BYDAY or BYMONTHDAY in a YEARLY rule, which is not supported",
  ],
  [
    (p) => p.BYSETPOS !== undefined && p.FREQ === "WEEKLY",
    "has BYSETPOS with FREQ=WEEKLY, which is not supported: programs disagree on the first week",
  ],
  [
    (p) => p.BYSETPOS !== undefined && !hasSet(p),
    "has BYSETPOS without another BY part to choose from",
  ],
  [
    (p) => (p.BYHOUR?.length ?? 1) * (p.BYMINUTE?.length ?? 1) > timesADay,
    `lists more than ${timesADay} times a day in BYHOUR and BYMINUTE`,
  ],
];

function checkTogether(parts: RuleParts): void {
  for (const [isRefused, reason] of refusedTogether) {
    if (isRefused(parts)) throw refusal("rrule", reason);
  }
}

const isOneOf = (parts: RuleParts, ...frequencies: Frequency[]): boolean =>
  frequencies.includes(parts.FREQ);
const hasOrdinals = (parts: RuleParts): boolean =>
  parts.BYDAY?.some((day) => day.length > 2) ?? false;
const maxOrdinal = (parts: RuleParts): number =>
  Math.max(...(parts.BYDAY ?? []).map((day) => Math.abs(Number.parseInt(day, 10) || 0)));
const hasSet = (parts: RuleParts): boolean =>
  ["BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYDAY", "BYHOUR", "BYMINUTE"].some((name) =>
    Object.hasOwn(parts, name),
  );

/** Every n hours or minutes of real time: such a rule has no wall clock to follow. */
export const isElapsed = (parts: RuleParts): boolean =>
  isOneOf(parts, "HOURLY", "MINUTELY") && !hasSet(parts);
