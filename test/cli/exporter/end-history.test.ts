/** Since when a position is behind is known from where the topic ended before. */
import { expect, it } from "vitest";
import { EndHistory } from "../../../cli/exporter/end-history.ts";

const historyOf = (...ends: number[]): EndHistory => {
  const history = new EndHistory();
  for (const [index, end] of ends.entries()) history.add({ atMs: index * 1_000, ends: [end] });
  return history;
};
const sinceOf = (history: EndHistory, offset: number) =>
  history.agesOf([[offset]]).get(0)?.[0]?.atMs;

it("a record has waited since the first time that the end was seen behind it", () => {
  const history = historyOf(0, 5, 5, 9);
  expect([0, 4, 5, 8].map((offset) => sinceOf(history, offset))).toEqual([
    1_000, 1_000, 3_000, 3_000,
  ]);
});

it("of what was there before the first look, it has waited since that look at least", () => {
  expect(sinceOf(historyOf(7, 9), 2)).toBe(0);
});

it("a topic that was made again has no past", () => {
  expect(sinceOf(historyOf(90, 95, 3), 0)).toBe(2_000);
});

it("days of a group that stands still cost little, and its age stays what it was", () => {
  const history = new EndHistory();
  // Two days, a sighting every 30 seconds.
  const last = 5_760;
  for (let at = 0; at <= last; at++) history.add({ atMs: at * 30_000, ends: [at] });
  for (const offset of [0, 100, 2_000, 5_000, 5_700, 5_750]) {
    const toldMs = last * 30_000 - (sinceOf(history, offset) ?? Infinity);
    const trueMs = (last - offset - 1) * 30_000;
    // What is told is never more than the truth.
    expect(toldMs).toBeLessThanOrEqual(trueMs);
    expect(toldMs).toBeGreaterThan(trueMs * 0.9 - 30_000);
  }
});
