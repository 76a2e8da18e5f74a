/** Ranges of offsets against a set of the same offsets. */
import { array, assert, nat, property } from "fast-check";
import { expect, test } from "vitest";
import {
  countOffsets,
  formatRanges,
  holesIn,
  parseRanges,
  runEnd,
  toRanges,
} from "../../../../functions/audit-log/coverage/offset-range.ts";

const offsets = array(nat(40), { maxLength: 30 });

test("ranges hold exactly the offsets, apart from each other, and survive PostgreSQL's text form", () => {
  assert(
    property(offsets, (given) => {
      const ranges = toRanges(given);
      const held = ranges.flatMap(({ first, end }) =>
        Array.from({ length: end - first }, (_, index) => first + index),
      );
      expect(held).toEqual([...new Set(given)].sort((a, b) => a - b));
      expect(countOffsets(ranges)).toBe(held.length);
      for (const [index, range] of ranges.entries()) {
        expect(range.first).toBeGreaterThan(ranges[index - 1]?.end ?? -1);
      }
      expect(parseRanges(formatRanges(ranges))).toEqual(ranges);
    }),
  );
});

test("holes are what the ranges leave out, and a run ends at the first of them", () => {
  assert(
    property(offsets, nat(40), nat(40), (given, first, end) => {
      const ranges = toRanges(given);
      const missing = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i).filter(
        (offset) => !given.includes(offset),
      );
      expect(holesIn(ranges, first, end)).toEqual(toRanges(missing));
      let expected = first;
      while (given.includes(expected)) expected++;
      expect(runEnd(ranges, first)).toBe(expected);
    }),
  );
});
