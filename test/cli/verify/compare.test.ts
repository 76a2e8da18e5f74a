/** What `verify` makes of the topic's offsets and the log's. */
import { describe, expect, it } from "vitest";
import { compare, type Coverage } from "../../../cli/verify/compare.ts";

const coverage = (
  covered: Coverage["partitions"][number]["covered"],
  more: Partial<Coverage["partitions"][number]> = {},
): Coverage => ({
  topic: "task-events",
  generation: { number: 1, began_at: "2026-01-01T00:00:00.000Z", reason: "made" },
  partitions: [{ partition: 0, begin: 0, covered, voids: [], ...more }],
  duplicates: { same: 0, different: 0 },
});
const extent = (low: number, high: number) => [{ low, high }];

describe("verify", () => {
  it("is well where every offset is covered; voids are not counted as recorded", () => {
    const verdict = compare("task-events", extent(0, 10), coverage([[0, 10]], { voids: [[3, 5]] }));
    expect(verdict).toMatchObject({ isComplete: true, isBehind: false, alarms: [] });
    expect(verdict.partitions).toMatchObject([{ recorded: 8, voids: 2, missing: [] }]);
  });

  it("tells what is lost, what is a hole, and what is only not yet there", () => {
    const verdict = compare(
      "task-events",
      extent(4, 12),
      coverage(
        [
          [6, 8],
          [9, 10],
        ],
        { begin: 2 },
      ),
    );
    expect(verdict.isComplete).toBe(false);
    expect(verdict.partitions).toEqual([
      {
        partition: 0,
        begin: 2,
        end: 12,
        recorded: 3,
        voids: 0,
        lost: 2,
        holes: 3,
        behind: 2,
        missing: [
          [2, 6],
          [8, 9],
          [10, 12],
        ],
      },
    ]);
  });

  it("does not wait for what is lost for ever", () => {
    const verdict = compare("task-events", extent(4, 6), coverage([[4, 6]]));
    expect(verdict).toMatchObject({ isComplete: false, isBehind: false });
  });

  it("of a log that has nothing yet misses the whole topic", () => {
    const nothing = { ...coverage([]), generation: null, partitions: [] };
    expect(compare("task-events", extent(0, 3), nothing).partitions).toMatchObject([{ behind: 3 }]);
  });

  it("does not take a shorter topic for a complete one, nor another topic", () => {
    const shorter = compare("task-events", extent(0, 3), coverage([[0, 5]]));
    expect(shorter.isComplete).toBe(false);
    expect(shorter.alarms).toEqual([expect.stringContaining("ends at 3, but 5 is recorded")]);
    expect(compare("other", extent(0, 5), coverage([[0, 5]])).isComplete).toBe(false);
  });
});
