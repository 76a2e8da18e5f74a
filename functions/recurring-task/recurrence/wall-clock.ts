/** Local date-times of producers: `2026-12-31T09:00:00`, or the same with `Z` or an offset. */
import { refusal, shown } from "./refusal.ts";
import type { Zone } from "./zone.ts";

const dateTime =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/i;
const forms = 'such as "2026-12-31T09:00:00", alone or with Z or an offset';

/** The years in which zones have rules that are worth computing with. */
const firstYear = 1970;
const lastYear = 2199;

export interface WallClock {
  /** As if it were UTC, in whole seconds: a fraction is dropped. */
  readonly wall: number;
  /** Set where the text had Z or an offset. */
  readonly instant: number | null;
}

/** `part` names the value in the refusal. */
export function parseWallClock(part: string, text: string, zone: Zone): WallClock {
  const match = dateTime.exec(text);
  const wall = match === null ? undefined : wallOf(match);
  if (match === null || wall === undefined) {
    throw refusal(part, `${shown(text)} is not a local date and time ${forms}`);
  }
  const year = Number(match[1]);
  if (year < firstYear || year > lastYear) {
    throw refusal(part, `${shown(text)} is not within the years ${firstYear} to ${lastYear}`);
  }
  const offset = match[7];
  if (offset === undefined) return { wall, instant: null };
  const instant = wall - offsetMs(offset);
  return { wall: zone.toWall(instant), instant };
}

/** Undefined where there is no such date or time. */
function wallOf(match: RegExpExecArray): number | undefined {
  const [, year, month, day, hour, minute, second = "00"] = match;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const wall = Date.parse(`${text}Z`);
  return !Number.isNaN(wall) && formatWallClock(wall) === text ? wall : undefined;
}

function offsetMs(offset: string): number {
  if (offset.toUpperCase() === "Z") return 0;
  const ms = (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))) * 60_000;
  return offset.startsWith("-") ? -ms : ms;
}

/** `2026-12-31T09:00:00` */
export const formatWallClock = (wall: number): string => new Date(wall).toISOString().slice(0, 19);

/** `2026-12-31T08:00:00Z` */
export const formatInstant = (instant: number): string => `${formatWallClock(instant)}Z`;
