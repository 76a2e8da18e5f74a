/** Averages over windows of seconds, worked out by hand from Serving's bucketing.go. */
import { expect, it } from "vitest";
import { WindowAverage } from "../../../../local/process/scale/window-average.ts";

it("averages over the seconds since the first record, then over the window", () => {
  const average = new WindowAverage(6_000);
  expect(average.average(0)).toBe(0);
  average.record(10_200, 6);
  expect(average.average(10_900)).toBe(6);
  average.record(12_000, 3);
  // Second 11 counts as 0.
  expect(average.average(12_999)).toBe(3);
  average.record(15_000, 3);
  expect(average.average(15_000)).toBe(2);
  average.record(16_000, 0);
  expect(average.average(16_000)).toBe(1);
});

it("adds up what falls into one second", () => {
  const average = new WindowAverage(6_000);
  average.record(1_000, 1);
  average.record(1_999, 2.5);
  expect(average.average(2_000 - 1)).toBe(3.5);
});

it("forgets record by record where none comes after them, and all after a window", () => {
  const average = new WindowAverage(4_000);
  for (const second of [0, 1, 2, 3]) average.record(second * 1_000, 4 - second);
  // Seconds 1 to 3 of 4 are left: 3 + 2 + 1 over 3.
  expect(average.average(4_000)).toBe(2);
  expect(average.average(6_000)).toBe(1);
  expect(average.average(7_000)).toBe(0);
  average.record(7_000, 8);
  expect(average.average(7_000)).toBe(8);
});

it("rounds to six digits, so that thirds do not keep a process awake", () => {
  const average = new WindowAverage(3_000);
  average.record(0, 1);
  average.record(2_000, 0);
  expect(average.average(2_000)).toBe(0.333333);
});

it("weighs the last seconds most where the annotation asks for it", () => {
  // 4 buckets: 1 - 0.0001^(1/4) = 0.9.
  const average = new WindowAverage(4_000, "weighted-exponential");
  average.record(0, 10);
  expect(average.average(0)).toBeCloseTo(9);
  expect(average.average(1_000)).toBeCloseTo(0.9);
  average.record(1_000, 10);
  expect(average.average(1_000)).toBeCloseTo(9.9);
  expect(average.average(6_000)).toBe(0);
});
