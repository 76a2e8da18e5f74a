/** Which records of a partition are read for the windows that are asked. */
import { describe, expect, it } from "vitest";
import { PartitionWindows } from "../../../cli/topic/partition-windows.ts";

const records = (...offsets: number[]) => offsets.map((offset) => ({ offset }));
const offsetsOf = (found: readonly { offset: number }[]) => found.map(({ offset }) => offset);

describe("windows of a partition", () => {
  it("take what lies in them, whatever batches it comes in", () => {
    const windows = new PartitionWindows([
      { first: 2, end: 4 },
      { first: 6, end: 7 },
    ]);
    expect(offsetsOf(windows.take(records(0, 1, 2), 3))).toEqual([2]);
    expect(offsetsOf(windows.take(records(3, 4, 5, 6, 7), 8))).toEqual([3, 6]);
    expect(windows.isDone).toBe(true);
  });

  it("are done by a batch that passes their end without a record", () => {
    const windows = new PartitionWindows([{ first: 5, end: 8 }]);
    expect(windows.take([], 7)).toEqual([]);
    expect([windows.isDone, windows.position]).toEqual([false, 7]);
    windows.take([], 8);
    expect(windows.isDone).toBe(true);
  });

  it("that want one record take the first at or after their begin, one for several of them", () => {
    const windows = new PartitionWindows([
      { first: 3, end: 20, most: 1 },
      { first: 5, end: 20, most: 1 },
      { first: 9, end: 20, most: 1 },
    ]);
    expect(offsetsOf(windows.take(records(3, 4, 7, 8, 11), 12))).toEqual([3, 7, 11]);
    expect(windows.isDone).toBe(true);
    const gone = new PartitionWindows([
      { first: 3, end: 20, most: 1 },
      { first: 5, end: 20, most: 1 },
    ]);
    expect(offsetsOf(gone.take(records(6, 7), 8))).toEqual([6]);
    expect(gone.isDone).toBe(true);
  });

  it("take no record twice that a fetch brings again", () => {
    const windows = new PartitionWindows([{ first: 0, end: 9 }]);
    windows.take(records(0, 1, 2), 3);
    expect(offsetsOf(windows.take(records(1, 2, 3), 4))).toEqual([3]);
  });

  it("jump to a window that lies far ahead, and read on to a near one", () => {
    const windows = new PartitionWindows([
      { first: 10, end: 11 },
      { first: 20, end: 21 },
      { first: 90_000, end: 90_001 },
    ]);
    expect(windows.jump()).toBe(10);
    windows.take(records(10), 11);
    expect(windows.jump()).toBeUndefined();
    windows.take(records(20), 21);
    expect(windows.jump()).toBe(90_000);
  });

  it("that are empty are nothing to read", () => {
    expect(new PartitionWindows([{ first: 4, end: 4 }]).isDone).toBe(true);
  });
});
