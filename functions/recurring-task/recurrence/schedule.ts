/** The occurrences of a recurrence, as instants in order: the engine runs on floating time, the zone is ours. */
import { RRuleTemporal } from "rrule-temporal";
import { isElapsed } from "./rule.ts";
import type { RuleParts } from "./rule-part.ts";
import { formatWallClock } from "./wall-clock.ts";
import type { Zone } from "./zone.ts";

export interface ScheduleParts {
  readonly rule: RuleParts;
  /** Wall clock of DTSTART, in ms as if it were UTC. */
  readonly dtstart: number;
  readonly zone: Zone;
  /** Instants that are no occurrences. */
  readonly exdates: ReadonlySet<number>;
  /** Engine time of the last occurrence where the rule has COUNT: counting anew each time would cost too much. */
  readonly last: number | null;
}

export interface Schedule {
  /** Occurrences later than `after`, in ms, ascending, each once; ends with the rule or where nothing more is found. */
  readonly after: (after: number) => Generator<number, void>;
}

/** Periods without an occurrence that the engine passes before it gives up: at most 200 ms. */
const maxIterations = 10_000;
/** No clock change moves occurrences past each other by more (Samoa left out a whole day). */
const reorderMs = 26 * 3_600_000;
const dayMs = 86_400_000;
/** Later occurrences are none: nobody waits for them, and dates get a fifth digit of the year. */
const horizon = Date.UTC(9000, 0, 1);
const lastCountedTime = Date.UTC(2200, 0, 1);

export function createSchedule(parts: ScheduleParts): Schedule {
  const engine = createEngine(parts);
  const follow = isElapsed(parts.rule) ? elapsed : floating;
  return {
    *after(after) {
      let latest = after;
      for (const instant of follow(engine, parts, after)) {
        if (instant > (parts.rule.UNTIL ?? horizon)) continue;
        if (instant <= latest) continue;
        latest = instant;
        if (!parts.exdates.has(instant)) yield instant;
      }
    },
  };
}

type EngineParts = Pick<ScheduleParts, "rule" | "dtstart" | "zone">;

/** The rule without COUNT. Wall clocks reach a day past the last instant; the instants themselves are compared above. */
function createEngine({ rule, dtstart, zone }: EngineParts): RRuleTemporal {
  const { COUNT: _, UNTIL: until = horizon, ...unlimited } = rule;
  const end = Math.min(zone.toWall(until) + dayMs, horizon);
  return openEngine(startOf({ rule, dtstart, zone }), { ...unlimited, UNTIL: basic(end) });
}

function openEngine(start: number, parts: object, iterations = maxIterations): RRuleTemporal {
  const text = Object.entries(parts).map(([name, value]) => `${name}=${String(value)}`);
  return new RRuleTemporal({
    rruleString: `DTSTART:${basic(start)}\nRRULE:${text.join(";")}`,
    maxIterations: iterations,
    cache: false,
    strict: true,
  });
}

/** What the engine takes for UTC is the wall clock, or real UTC where the rule counts real hours or minutes. */
const startOf = ({ rule, dtstart, zone }: EngineParts): number =>
  isElapsed(rule) ? zone.toInstant(dtstart) : dtstart;

/** Engine time of the first occurrence; null where there is none within reach. */
export const findFirst = (parts: EngineParts): number | null =>
  nextTime(createEngine(parts), startOf(parts), true);

/**
 * Engine time of the last occurrence of a rule with COUNT; null where that is after 2200, which is as good as never.
 * Throws the engine's "Maximum iterations" where it cannot be found: at most 1.5 s, for a rule made to cost.
 */
export function findLast(parts: EngineParts, count: number): number | null {
  const iterations = Math.min(100_000, maxIterations + count * 100);
  let last = 0;
  openEngine(startOf(parts), parts.rule, iterations).all((time) => {
    last = time.epochMilliseconds;
    return last < lastCountedTime;
  });
  return last < lastCountedTime ? last : null;
}

/** `20261231T090000Z` */
const basic = (ms: number): string => `${formatWallClock(ms).replaceAll(/[-:]/g, "")}Z`;

function* elapsed(engine: RRuleTemporal, { last }: ScheduleParts, after: number) {
  for (const instant of engineTimes(engine, after)) {
    if (last !== null && instant > last) return;
    yield instant;
  }
}

/** Sorted: a wall clock in a gap can be a later instant than the ones that follow it. */
function* floating(engine: RRuleTemporal, { zone, last }: ScheduleParts, after: number) {
  const from = isSettled(zone, after) ? zone.toWall(after) : zone.toWall(after) - reorderMs;
  let held: number[] = [];
  for (const wall of engineTimes(engine, from)) {
    if (last !== null && wall > last) break;
    const instant = zone.toInstant(wall);
    held.push(instant);
    if (!isSettled(zone, instant)) continue;
    yield* held.toSorted((a, b) => a - b);
    held = [];
  }
  yield* held.toSorted((a, b) => a - b);
}

/** No clock change near: wall clocks and instants have one order. */
const isSettled = (zone: Zone, instant: number): boolean =>
  zone.offsetAt(instant - reorderMs) === zone.offsetAt(instant + reorderMs);

/** The first where the engine finds one at or after `from`, and so on; ends where it passed maxIterations in vain. */
function* engineTimes(engine: RRuleTemporal, from: number): Generator<number, void> {
  let time = nextTime(engine, from, true);
  while (time !== null && time < horizon) {
    yield time;
    time = nextTime(engine, time, false);
  }
}

function nextTime(engine: RRuleTemporal, from: number, inclusive: boolean): number | null {
  try {
    return engine.next(new Date(from), inclusive)?.epochMilliseconds ?? null;
  } catch (error) {
    // Of a rule that matched before: what it has left is too far away to wait for.
    if (isOutOfReach(error)) return null;
    throw error;
  }
}

export const isOutOfReach = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith("Maximum iterations");
