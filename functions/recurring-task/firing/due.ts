/** Which occurrences are due since a watermark, which of them are fired and which were missed for good. */
import type { CatchUp } from "../recurrence/recurrence.ts";
import type { Schedule } from "../recurrence/schedule.ts";

export interface DueLimits {
  /** Older occurrences are skipped. */
  readonly catchUpMs: number;
  /** With `none`: an occurrence that was due for longer was missed, and is skipped. */
  readonly missedAfterMs: number;
  /** Occurrences at most; the rest stays due. */
  readonly limit: number;
}

/** Instants in ms. */
export interface Due {
  /** Ascending. */
  readonly fired: readonly number[];
  /** At most `countLimit` are counted. */
  readonly skipped: number;
  /** Everything up to here is fired or skipped. */
  readonly watermark: number;
  /** The first occurrence after the watermark. It can be due too. */
  readonly next: number | null;
}

/** Counting what nobody gets must not cost more than firing. */
export const countLimit = 100;
/** Less than 100 occurrences fit in: none is closer to another than a minute. */
const firstLookbackMs = 90 * 60_000;

export function takeDue(
  schedule: Schedule,
  catchUp: CatchUp,
  { watermark, now }: { watermark: number; now: number },
  limits: DueLimits,
): Due {
  const reachMs = catchUp === "none" ? limits.missedAfterMs : limits.catchUpMs;
  const from = Math.max(watermark, now - reachMs);
  const skipped = from > watermark ? countBetween(schedule, watermark, from) : 0;
  if (catchUp === "latest") return takeLatest(schedule, from, now, skipped);
  const fired: number[] = [];
  for (const at of schedule.after(from)) {
    if (at > now || fired.length === limits.limit) {
      return { fired, skipped, watermark: fired.at(-1) ?? from, next: at };
    }
    fired.push(at);
  }
  return { fired, skipped, watermark: fired.at(-1) ?? from, next: null };
}

function takeLatest(schedule: Schedule, from: number, now: number, skipped: number): Due {
  const latest = lastBetween(schedule, from, now);
  const next = firstAfter(schedule, now);
  if (latest === null) return { fired: [], skipped, watermark: from, next };
  const older = countBetween(schedule, from, latest - 1);
  return {
    fired: [latest],
    skipped: Math.min(skipped + older, countLimit),
    watermark: latest,
    next,
  };
}

export const firstAfter = (schedule: Schedule, after: number): number | null =>
  schedule.after(after).next().value ?? null;

/** Of the occurrences after `after` up to `until`. */
function countBetween(schedule: Schedule, after: number, until: number): number {
  let count = 0;
  for (const at of schedule.after(after)) {
    if (at > until || count === countLimit) break;
    count++;
  }
  return count;
}

/** Looks back from `until`, further each time: a dense rule has one soon, a sparse one costs little. */
function lastBetween(schedule: Schedule, after: number, until: number): number | null {
  for (let lookbackMs = firstLookbackMs; ; lookbackMs *= 4) {
    const from = Math.max(after, until - lookbackMs);
    let last: number | null = null;
    for (const at of schedule.after(from)) {
      if (at > until) break;
      last = at;
    }
    if (last !== null || from === after) return last;
  }
}
