/** The two ways in which the YAML writes durations: ISO 8601 (Knative) and Go's (Dapr, annotations). */
import { parse } from "tinyduration";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `PT0.5S` → 500. Null for what is no duration, is negative, or has years or months, which have no fixed length. */
export function isoDurationMs(text: string): number | null {
  // The library forgives blanks around it and a comma without a digit, Knative does not.
  if (!/^P[\dTWDHMS.]+$/.test(text)) return null;
  try {
    const { years, months, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0 } = parse(text);
    if (years !== undefined || months !== undefined) return null;
    const ms = (weeks * 7 + days) * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS;
    return Math.round(ms + seconds * SECOND_MS);
  } catch {
    return null;
  }
}

const GO_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
};

/** `1m30s` → 90000. Null for what Go's time.ParseDuration refuses, and for negative ones. */
export function goDurationMs(text: string): number | null {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  return Math.round(
    parts.reduce(
      (sum, [, amount, unit = ""]) => sum + Number(amount) * (GO_UNITS_MS[unit] ?? 0),
      0,
    ),
  );
}
