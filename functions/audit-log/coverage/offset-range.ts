/** Ranges of offsets, as an int8multirange has them: first inclusive, end exclusive, in order, apart from each other. */

export interface OffsetRange {
  readonly first: number;
  readonly end: number;
}

/** From PostgreSQL's text form: `{[0,5),[7,9)}`. */
export const parseRanges = (multirange: string): OffsetRange[] =>
  [...multirange.matchAll(/\[(\d+),(\d+)\)/g)].map(([, first, end]) => ({
    first: Number(first),
    end: Number(end),
  }));

export const formatRanges = (ranges: readonly OffsetRange[]): string =>
  `{${ranges.map(({ first, end }) => `[${first},${end})`).join(",")}}`;

/** The fewest ranges that hold exactly these offsets. */
export function toRanges(offsets: Iterable<number>): OffsetRange[] {
  const ranges: { first: number; end: number }[] = [];
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && offset <= last.end) last.end = Math.max(last.end, offset + 1);
    else ranges.push({ first: offset, end: offset + 1 });
  }
  return ranges;
}

/** What of [first, end) the ranges leave out. */
export function holesIn(ranges: readonly OffsetRange[], first: number, end: number): OffsetRange[] {
  const holes: OffsetRange[] = [];
  let at = first;
  for (const range of ranges) {
    if (range.end <= at) continue;
    if (range.first >= end) break;
    if (range.first > at) holes.push({ first: at, end: range.first });
    at = range.end;
  }
  if (at < end) holes.push({ first: at, end });
  return holes;
}

/** Where the gapless run that begins at `from` ends: `from` itself where it is not covered. */
export const runEnd = (ranges: readonly OffsetRange[], from: number): number =>
  ranges.find(({ first, end }) => first <= from && from < end)?.end ?? from;

export const countOffsets = (ranges: readonly OffsetRange[]): number =>
  ranges.reduce((sum, { first, end }) => sum + end - first, 0);
