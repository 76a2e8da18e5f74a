/** What a load came to: rates, latencies, and whether everything is there once. */
import type { Seen } from "./client-process.ts";
import type { Recorded } from "./recorded.ts";
import type { Watched } from "./watch.ts";

export interface Measured {
  readonly events: number;
  readonly sentAt: Float64Array;
  /** When the last one was accepted, in ms since the epoch. */
  readonly producedAt: number;
  readonly recorded: Recorded;
  readonly seen: Seen;
  readonly watched: Watched;
  readonly deadLetters: number;
}

export interface Pace {
  readonly what: string;
  readonly perSecond: number;
  /** From the moment an event was sent; undefined where single events are not timed. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export function toPaces({ sentAt, producedAt, recorded, seen }: Measured): Pace[] {
  const sent = sentAt.filter((at) => at > 0);
  const [first] = extent(sent);
  const pace = (what: string, at: Float64Array): Pace => {
    const there = at.filter((ms) => ms > 0);
    const latencies = at
      .map((ms, index) => (ms === 0 ? NaN : ms - (sentAt[index] ?? 0)))
      .filter((ms) => !Number.isNaN(ms))
      .sort();
    return {
      what,
      perSecond: rate(there.length, extent(there)[1] - first),
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  };
  return [
    { what: "accepted", perSecond: rate(sent.length, producedAt - first) },
    pace("→ audit row", recorded.recordedAt),
    pace("→ WebSocket frame", seen.receivedAt),
  ];
}

const rate = (count: number, ms: number): number => (count / ms) * 1_000;

/** Not spread over arguments: there are too many. */
const extent = (values: Float64Array): [number, number] => [
  values.reduce((least, value) => Math.min(least, value), Infinity),
  values.reduce((most, value) => Math.max(most, value), -Infinity),
];

const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

export interface Check {
  readonly sentence: string;
  readonly isTrue: boolean;
  /** What was found instead. */
  readonly found: string;
}

const missing = (at: Float64Array): number => at.reduce((sum, ms) => sum + (ms === 0 ? 1 : 0), 0);

export function toChecks({ events, recorded, seen, watched, deadLetters }: Measured): Check[] {
  const unrecorded = missing(recorded.recordedAt);
  const unseen = missing(seen.receivedAt);
  const { frames, repeated, foreign, early, closes } = seen;
  return [
    {
      sentence: "every event is one audit row",
      isTrue: unrecorded === 0 && recorded.entries === events,
      found: `${recorded.entries} rows, ${unrecorded} events without one`,
    },
    {
      sentence: "every client got its events, all, once, and no other's",
      isTrue: unseen === 0 && frames === events && repeated === 0 && foreign === 0,
      found: `${frames} frames, ${unseen} events not seen, ${repeated} again, ${foreign} of others`,
    },
    {
      sentence: "in the order of each task",
      isTrue: early === 0,
      found: `${early} before an earlier one`,
    },
    {
      sentence: "no client was disconnected",
      isTrue: closes.length === 0,
      found: closes.slice(0, 3).join("; "),
    },
    {
      sentence: "no function is behind, nothing is a dead letter",
      isTrue: watched.stall === undefined && deadLetters === 0,
      found: `${watched.stall ?? "nothing behind"}, ${deadLetters} dead letters`,
    },
  ];
}

/** Growth from the second to the last quarter: by then rings, pools and heaps have their size. */
export type Flatness = "flat" | "grows" | "too short";

const noiseBytes = 24 * 1024 * 1024;
const noiseShare = 0.15;
/** Below it, heaps have not been collected often enough to tell. */
const tellingEvents = 50_000;

export function flatnessOf(memoryBytes: readonly number[], events: number): Flatness {
  const [, , second = 0, , last = 0] = memoryBytes;
  if (events < tellingEvents || second === 0) return "too short";
  return last > second * (1 + noiseShare) + noiseBytes ? "grows" : "flat";
}
