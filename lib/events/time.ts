/** RFC 3339 instants of producers whose clocks nobody trusts. */

// RFC 3339, section 5.6. The seconds may be 60: a leap second is a valid time.
const rfc3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** A clock that runs further ahead than this is not believed: the time of receipt counts instead. */
export const clockToleranceMs = 5 * 60_000;

/** Each event is asked this: nothing is cut out of the text that need not be. */
export const isTime = (text: string): boolean => rfc3339.test(text) && isDay(text);

/** Milliseconds since 1970 (a leap second is its following second), or undefined where the text is no RFC 3339. */
export function parseTime(text: string): number | undefined {
  if (!isTime(text)) return undefined;
  const [, start = "", second, fraction = "", zone = ""] =
    /^(.{17})(..)(\.\d+)?(.+)$/.exec(text.toUpperCase()) ?? [];
  if (second === "60") return Date.parse(`${start}59${fraction.slice(0, 4)}${zone}`) + 1000;
  return Date.parse(`${start}${second}${fraction.slice(0, 4)}${zone}`);
}

/** Date.parse takes 31 February for 3 March; RFC 3339 does not. */
function isDay(text: string): boolean {
  const day = Number(text.slice(8, 10));
  if (day <= 28) return true;
  const [year, month] = [Number(text.slice(0, 4)), Number(text.slice(5, 7))];
  // The last of the month, 400 years on: the calendar is the same, and JavaScript takes the years 0 to 99 for others.
  return day <= new Date(Date.UTC(year + 400, month, 0)).getUTCDate();
}

/**
 * The instant an event counts for: its own time, or that of its receipt where the time is missing or lies more
 * than 5 minutes after it. One event of the year 9999 must not freeze its task.
 */
export function effectiveTime(event: { time: string | null; receivedAt: Date }): Date {
  const at = event.time === null ? undefined : parseTime(event.time);
  const receivedMs = event.receivedAt.getTime();
  return new Date(at === undefined || at > receivedMs + clockToleranceMs ? receivedMs : at);
}
