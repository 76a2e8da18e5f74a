/** RFC 3339 instants of producers whose clocks nobody trusts. */

// RFC 3339, section 5.6. The seconds may be 60: a leap second is a valid time.
const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-](\d{2}):(\d{2}))$/;

/** A clock that runs further ahead than this is not believed: the time of receipt counts instead. */
export const clockToleranceMs = 5 * 60_000;

/** Milliseconds since 1970 (a leap second is its following second), or undefined where the text is no RFC 3339. */
export function parseTime(text: string): number | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = ""] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (Number(match[9] ?? 0) > 23 || Number(match[10] ?? 0) > 59) return undefined;
  const leap = second === "60" ? 1000 : 0;
  const date = `${year}-${month}-${day}`;
  if (!isDate(date)) return undefined;
  const seconds = leap > 0 ? "59" : second;
  const zone = (match[8] ?? "Z").toUpperCase();
  return Date.parse(`${date}T${hour}:${minute}:${seconds}${fraction.slice(0, 4)}${zone}`) + leap;
}

/** Date.parse takes 31 February for 3 March; RFC 3339 does not. */
function isDate(date: string): boolean {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date);
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
