/** Reading holes: what the log passed over is void, what was not reached is unread, and nothing else is either. */
import { expect, test } from "vitest";
import { HoleReader } from "../../../../functions/audit-log/topic/hole-reader.ts";

test("offsets inside a hole that a read passed over hold no record", () => {
  const reader = new HoleReader([{ first: 10, end: 15 }]);
  expect(reader.jump()).toBe(10);
  expect([9, 10, 14, 15].map((offset) => reader.wants(offset))).toEqual([false, true, true, false]);
  reader.passTo(13, [10, 12]);
  expect(reader.isDone()).toBe(false);
  expect(reader.unread()).toEqual([{ first: 13, end: 15 }]);
  reader.passTo(20, [13]);
  expect(reader.isDone()).toBe(true);
  expect(reader.passedOver()).toEqual([
    { first: 11, end: 12 },
    { first: 14, end: 15 },
  ]);
  expect(reader.unread()).toEqual([]);
});

test("near holes are read through, far ones are sought", () => {
  const reader = new HoleReader([
    { first: 5, end: 6 },
    { first: 100, end: 101 },
    { first: 1_000_000, end: 1_000_001 },
  ]);
  expect(reader.jump()).toBe(5);
  reader.passTo(50, [5]);
  expect(reader.jump()).toBeUndefined();
  reader.passTo(200, [100]);
  expect(reader.jump()).toBe(1_000_000);
  expect(reader.passedOver()).toEqual([]);
});

test("a batch that was fetched before the seek counts nothing twice", () => {
  const reader = new HoleReader([{ first: 10, end: 20 }]);
  reader.jump();
  reader.passTo(5, []);
  reader.passTo(15, [10, 11, 12, 13, 14]);
  reader.passTo(12, []);
  expect(reader.wants(14)).toBe(false);
  reader.passTo(20, [15, 16, 17, 18, 19]);
  expect(reader.passedOver()).toEqual([]);
});
