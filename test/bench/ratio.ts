/** Medians and ratios over rounds. */
import type { Values } from "./part.ts";

export function median(values: Values): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Round by round. */
export const ratios = (ours: Values, theirs: Values): number[] =>
  ours.map((value, round) => value / (theirs[round] ?? NaN));

export const mean = (values: Values): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of values that are sorted. */
export const percentile = (sorted: Float64Array | Values, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
