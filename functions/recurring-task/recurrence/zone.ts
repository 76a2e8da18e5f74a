/** IANA time zones: between instants and wall-clock times, both in milliseconds (a wall clock as if it were UTC). */
import { refusal, shown } from "./refusal.ts";

export interface Zone {
  readonly name: string;
  /** Milliseconds that the wall clock is ahead of UTC. */
  readonly offsetAt: (instant: number) => number;
  readonly toWall: (instant: number) => number;
  /** A repeated time is its first instant; one in a gap counts with the offset before it (RFC 5545, 3.3.5). */
  readonly toInstant: (wall: number) => number;
}

const dayMs = 86_400_000;
/** Days of one zone whose offset is remembered: ten years of a daily series. */
const rememberedDays = 4_000;
/** Zones by lower-case name: as many as there are names. */
const opened = new Map<string, Zone>();

/** The version of the time zone data, as in `2026c`. */
export const zoneDataVersion = process.versions["tz"] ?? "unknown";

export function openZone(name: string): Zone {
  const key = name.toLowerCase();
  const known = opened.get(key);
  if (known !== undefined) return known;
  // Intl takes offsets such as +01:00 for zones; they have no daylight saving and no IANA name.
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/.test(name)) throw notAZone(name);
  const zone = createZone(name);
  opened.set(key, zone);
  return zone;
}

const notAZone = (name: string, cause?: unknown) =>
  refusal("time_zone", `${shown(name)} is not an IANA time zone such as "Europe/Berlin"`, cause);

function createZone(name: string): Zone {
  const offsetOn = offsetReader(name);
  const days = new Map<number, number | null>();
  const offsetAt = (instant: number): number => {
    const day = Math.floor(instant / dayMs);
    let offset = days.get(day);
    if (offset === undefined) {
      const start = offsetOn(day * dayMs);
      // Null: the clocks change on this day, so that each instant is looked up.
      offset = start === offsetOn((day + 1) * dayMs) ? start : null;
      if (days.size >= rememberedDays) days.clear();
      days.set(day, offset);
    }
    return offset ?? offsetOn(instant);
  };
  return {
    name,
    offsetAt,
    toWall: (instant) => instant + offsetAt(instant),
    toInstant: (wall) => {
      const before = offsetAt(wall - dayMs);
      const after = offsetAt(wall + dayMs);
      if (before === after || offsetAt(wall - before) === before) return wall - before;
      // Neither offset yields this wall clock: it lies in the gap.
      return offsetAt(wall - after) === after ? wall - after : wall - before;
    },
  };
}

function offsetReader(name: string): (instant: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  } catch (cause) {
    throw notAZone(name, cause);
  }
  return (instant) => {
    const match = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(format.format(instant));
    if (match === null) throw new Error(`the offset of ${name} at ${instant} cannot be read`);
    const [, sign, hours = 0, minutes = 0, seconds = 0] = match;
    const offset = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === "-" ? -offset : offset;
  };
}
