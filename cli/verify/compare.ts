/** The audit log's coverage beside the topic: what is recorded, void, lost, a hole, or only not yet there. */
import type { Extent } from "../topic/session.ts";

type Range = readonly [first: number, end: number];

/** The answer of audit-log's `GET /coverage`. */
export interface Coverage {
  readonly topic: string;
  readonly generation: {
    readonly number: number;
    readonly began_at: string;
    readonly reason: string;
  } | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly begin: number;
    readonly covered: readonly Range[];
    readonly voids: readonly Range[];
  }[];
  /** Missing where the function is older than this command. */
  readonly earlier?: readonly {
    readonly number: number;
    readonly ended: string;
    readonly lost: readonly { readonly partition: number; readonly offsets: readonly Range[] }[];
  }[];
  readonly duplicates: { readonly same: number; readonly different: number };
}

/** Numbers of offsets. */
export interface PartitionVerdict {
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
  readonly recorded: number;
  /** Inside the log, but no record is there. */
  readonly voids: number;
  /** Below the log's start: they stay missing. */
  readonly lost: number;
  /** Missing before the last recorded one. */
  readonly holes: number;
  /** Missing after it. */
  readonly behind: number;
  /** All of the missing ones. */
  readonly missing: readonly Range[];
}

export interface Verdict {
  readonly topic: string;
  readonly isComplete: boolean;
  /** Something is missing that may only be on its way. */
  readonly isBehind: boolean;
  /** Why the log and the topic do not belong together. */
  readonly alarms: readonly string[];
  readonly generation: Coverage["generation"];
  /** Numbers of offsets that earlier generations lost. */
  readonly earlier: readonly { readonly number: number; readonly lost: number }[];
  readonly duplicates: Coverage["duplicates"];
  readonly partitions: readonly PartitionVerdict[];
}

/** `extent` must have been read before `coverage`. */
export function compare(topic: string, extent: Extent, coverage: Coverage): Verdict {
  const partitions = extent.map((_, partition) => comparePartition(partition, extent, coverage));
  const alarms = findAlarms(topic, extent, coverage);
  const missing = partitions.filter(({ lost, holes, behind }) => lost + holes + behind > 0);
  const earlier = (coverage.earlier ?? [])
    .map(({ number, lost }) => ({ number, lost: count(lost.flatMap(({ offsets }) => offsets)) }))
    .filter(({ lost }) => lost > 0);
  return {
    topic,
    isComplete: missing.length + alarms.length + earlier.length === 0,
    isBehind: partitions.some(({ holes, behind }) => holes + behind > 0),
    alarms,
    generation: coverage.generation,
    earlier,
    duplicates: coverage.duplicates,
    partitions,
  };
}

function comparePartition(partition: number, extent: Extent, coverage: Coverage): PartitionVerdict {
  const { low = 0, high = 0 } = extent[partition] ?? {};
  const known = coverage.partitions.find((it) => it.partition === partition);
  const { begin = 0, covered = [], voids = [] } = known ?? {};
  const missing = gaps(covered, begin, high);
  const lastEnd = covered.at(-1)?.[1] ?? begin;
  const lost = count(clip(missing, 0, low));
  const holes = count(clip(missing, low, Math.max(low, lastEnd)));
  return {
    partition,
    begin,
    end: high,
    recorded: count(covered) - count(voids),
    voids: count(voids),
    lost,
    holes,
    behind: count(missing) - lost - holes,
    missing,
  };
}

/** What of [first, end) the ranges leave out. */
function gaps(ranges: readonly Range[], first: number, end: number): Range[] {
  const found: Range[] = [];
  let at = first;
  for (const [rangeFirst, rangeEnd] of ranges) {
    if (rangeEnd <= at) continue;
    if (rangeFirst >= end) break;
    if (rangeFirst > at) found.push([at, rangeFirst]);
    at = rangeEnd;
  }
  if (at < end) found.push([at, end]);
  return found;
}

const clip = (ranges: readonly Range[], from: number, until: number): Range[] =>
  ranges
    .map(([first, end]): Range => [Math.max(first, from), Math.min(end, until)])
    .filter(([first, end]) => first < end);

const count = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, [first, end]) => sum + end - first, 0);

function findAlarms(topic: string, extent: Extent, coverage: Coverage): string[] {
  if (coverage.topic !== topic) {
    return [`audit-log records the topic ${coverage.topic}, not ${topic}.`];
  }
  const remade = (coverage.earlier ?? []).flatMap(({ ended }) =>
    ended.startsWith("re-made") ? [ended] : [],
  );
  return [...remade.map(toAlarm), ...coverage.partitions.flatMap(findShort(extent))];
}

const toAlarm = (reason: string): string =>
  `The topic was ${reason}. What the one before had, and was not recorded, is not known.`;

const findShort =
  (extent: Extent) =>
  ({ partition, covered }: Coverage["partitions"][number]): string[] => {
    const end = covered.at(-1)?.[1] ?? 0;
    const high = extent[partition]?.high ?? 0;
    return high < end
      ? [
          `The topic was made again behind our back: partition ${partition} ends at ${high}, but ${end} is recorded.`,
        ]
      : [];
  };
