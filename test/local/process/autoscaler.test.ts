/** How many processes the autoscaler wants, told from its looks alone. */
import { expect, it } from "vitest";
import { recent, wantedSize, type Sample, type Scale } from "../../../local/process/autoscaler.ts";

const scale: Scale = {
  min: 0,
  max: 3,
  concurrency: 0,
  target: 100,
  windowMs: 60_000,
  retentionMs: 30_000,
};

/** One look every 2 s from 0 on. */
const looks = (...concurrency: number[]): Sample[] =>
  concurrency.map((count, at) => ({ at: at * 2_000, concurrency: count, used: count > 0 }));

it("wants one process from the first request on", () => {
  expect(wantedSize(looks(1), 0, 0, scale)).toBe(1);
});

it("keeps the last process for window and retention after the last request, then none", () => {
  const samples = looks(1, 0);
  expect(wantedSize(samples, 89_999, 1, scale)).toBe(1);
  expect(wantedSize(samples, 90_000, 1, scale)).toBe(0);
});

it("wants none where there was never a request", () => {
  expect(wantedSize(looks(0, 0), 4_000, 0, scale)).toBe(0);
});

it("keeps min-scale without any request", () => {
  expect(wantedSize([], 1e9, 2, { ...scale, min: 2 })).toBe(2);
});

it("adds processes when the average uses more than 70 % of the target", () => {
  expect(wantedSize(looks(70, 70, 70), 4_000, 1, scale)).toBe(1);
  expect(wantedSize(looks(71, 71, 71), 4_000, 1, scale)).toBe(2);
});

it("does not wait for the average in a burst, and stays under max-scale", () => {
  expect(wantedSize(looks(0, 0, 0, 0, 150), 8_000, 1, scale)).toBe(3);
  expect(wantedSize(looks(0, 0, 0, 0, 5_000), 8_000, 1, scale)).toBe(3);
  expect(wantedSize(looks(5_000), 0, 1, { ...scale, max: 0 })).toBe(72);
});

it("takes a containerConcurrency under the target as the target", () => {
  expect(wantedSize(looks(21, 21), 2_000, 1, { ...scale, concurrency: 10 })).toBe(3);
});

it("forgets looks that count no longer", () => {
  expect(recent(looks(1, 1, 1), 92_500, scale)).toEqual(looks(1, 1, 1).slice(2));
});
