/** Which process the activator picks. */
import { expect, it } from "vitest";
import { policyOf, type Target } from "../../../../local/process/front/load-balancing.ts";

const targets = (...inFlight: number[]): Target[] =>
  inFlight.map((count, ordinal) => ({ ordinal, inFlight: count }));

it("fills the first process before the next where a process takes 3 requests or fewer", () => {
  const pick = policyOf(3);
  expect(pick(targets(2, 0))?.ordinal).toBe(0);
  expect(pick(targets(3, 0).toReversed())?.ordinal).toBe(1);
  expect(pick(targets(3, 3))).toBeUndefined();
});

it("takes turns above that, past those that are full", () => {
  const pick = policyOf(4);
  const all = targets(0, 4, 0);
  expect([pick(all), pick(all), pick(all)].map((it) => it?.ordinal)).toEqual([0, 2, 0]);
  expect(pick(targets(4))).toBeUndefined();
});

it("takes the less busy of two at random where there is no limit", () => {
  const draws = [0.9, 0.9, 0];
  const pick = policyOf(0, () => draws.shift() ?? 0);
  // Of three: 0.9 draws the last, and 0.9 of the other two the second.
  expect(pick(targets(0, 1, 5))?.ordinal).toBe(1);
  // The first is drawn; 0 of the other two is the second; both alike: below 0.5 the first.
  expect(pick(targets(2, 2, 0))?.ordinal).toBe(0);
  expect(policyOf(0)(targets(7))?.ordinal).toBe(0);
  expect(policyOf(0)([])).toBeUndefined();
});
