/** Points of time as a person writes them. */
import { parseTime } from "../../lib/events/time.ts";
import { UsageError } from "../../lib/host/error.ts";

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export const instantForms =
  "a time such as 2026-12-31T09:00:00Z, a day such as 2026-12-31 (UTC), or how long ago: 90s, 15m, 2h, 3d";

/** In ms; undefined where the text is none. */
export function toInstant(text: string, now: Date): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return now.getTime() - Number(count) * (unitMs[unit ?? ""] ?? 0);
  return parseTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
}

export function parseInstant(flag: string, text: string | undefined, now: Date) {
  if (text === undefined) return undefined;
  const at = toInstant(text, now);
  if (at === undefined) throw new UsageError(`${flag} ${text}: write ${instantForms}.`);
  return at;
}
