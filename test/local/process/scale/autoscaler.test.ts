/** The autoscaler's decisions, worked out by hand from Serving's autoscaler.go. */
import { expect, it } from "vitest";
import {
  decide,
  NO_MEMORY,
  type AutoscalerMemory,
  type Observation,
} from "../../../../local/process/scale/autoscaler.ts";
import type { Scale } from "../../../../local/process/scale/scale.ts";
import { scaleOf } from "../fixture/scale.ts";

const seen = (over: Partial<Observation>): Observation => ({
  now: 0,
  ready: 1,
  stable: 0,
  panic: 0,
  ...over,
});

/** The decisions of a history, each with the memory of the one before. */
function history(scale: Scale, looks: readonly Partial<Observation>[]) {
  let memory: AutoscalerMemory = NO_MEMORY;
  return looks.map((look) => {
    const decision = decide(scale, seen(look), memory);
    memory = decision.memory;
    return decision;
  });
}

const wanted = (...args: Parameters<typeof history>) => history(...args).map((it) => it.wanted);

it("wants the average over 70 % of the target, rounded up", () => {
  const looks = [0, 0.02, 70, 70.1, 139].map((stable) => ({ stable, panic: stable }));
  expect(wanted(scaleOf(), looks)).toEqual([0, 1, 1, 2, 2]);
});

it("takes containerConcurrency as the target, and target only below it", () => {
  const look = [{ stable: 10, panic: 10, ready: 5 }];
  expect(wanted(scaleOf({}, 10), look)).toEqual([2]);
  expect(wanted(scaleOf({ target: "5" }, 10), look)).toEqual([3]);
  expect(wanted(scaleOf({ target: "50" }, 10), look)).toEqual([2]);
  expect(wanted(scaleOf({ "target-utilization-percentage": "100" }, 10), look)).toEqual([2]);
  expect(wanted(scaleOf({ metric: "rps" }, 10), [{ stable: 141, panic: 0 }])).toEqual([2]);
});

it("grows by no more than a thousandfold and shrinks by no more than half", () => {
  const scale = scaleOf({ target: "1", "target-utilization-percentage": "100" });
  expect(wanted(scale, [{ stable: 5_000, ready: 2 }])).toEqual([2_000]);
  expect(wanted(scale, [{ stable: 1, ready: 9 }])).toEqual([4]);
  expect(wanted(scale, [{ stable: 0, ready: 1 }])).toEqual([0]);
});

it("panics at twice what the ready ones take, and does not shrink until a window after", () => {
  const scale = scaleOf({ window: "10s" }, 10);
  const looks = [
    { now: 0, stable: 7, panic: 7 },
    { now: 2_000, stable: 8, panic: 14 },
    { now: 4_000, stable: 12, panic: 28, ready: 2 },
    { now: 6_000, stable: 12, panic: 7, ready: 4 },
    { now: 14_000, stable: 1, panic: 0, ready: 4 },
    { now: 14_001, stable: 1, panic: 0, ready: 4 },
  ];
  const decisions = history(scale, looks);
  expect(decisions.map((it) => it.wanted)).toEqual([1, 2, 4, 4, 4, 2]);
  expect(decisions.map((it) => it.inPanic)).toEqual([false, true, true, true, true, false]);
});

it("takes the larger of both averages in a panic", () => {
  const scale = scaleOf({}, 10);
  expect(wanted(scale, [{ panic: 14, stable: 35 }])).toEqual([5]);
});

it("reads the panic threshold from the annotation", () => {
  const scale = scaleOf({ "panic-threshold-percentage": "500" }, 10);
  const panics = [28, 35].map((panic) => history(scale, [{ panic }])[0]?.inPanic);
  expect(panics).toEqual([false, true]);
});

it("wakes to activation-scale, and sleeps all the same", () => {
  const scale = scaleOf({ "activation-scale": "3" });
  expect(wanted(scale, [{ stable: 1, panic: 1, ready: 0 }])).toEqual([3]);
  expect(wanted(scale, [{ stable: 400, panic: 0, ready: 3 }])).toEqual([6]);
  expect(wanted(scale, [{ stable: 0, panic: 0, ready: 1 }])).toEqual([0]);
});

it("shrinks to what was wanted at no time of the scale-down-delay", () => {
  const scale = scaleOf({ "scale-down-delay": "4s" }, 10);
  const looks = [
    { now: 0, stable: 28, ready: 4 },
    { now: 2_000, stable: 7, ready: 4 },
    { now: 4_000, stable: 7, ready: 4 },
    { now: 6_000, stable: 0, ready: 2 },
  ];
  // Two ticks are kept. A half of four ready ones is two.
  expect(wanted(scale, looks)).toEqual([4, 4, 2, 2]);
});

it("has the activator in the path until the ready ones take the burst besides", () => {
  const burst = (annotations: Record<string, string>, look: Partial<Observation>) =>
    history(scaleOf(annotations), [look])[0]?.excessBurst;
  expect(burst({}, { ready: 2 })).toBe(-11);
  expect(burst({}, { ready: 3, panic: 10.5 })).toBe(78);
  expect(burst({ "target-burst-capacity": "-1" }, { ready: 9 })).toBe(-1);
  expect(burst({ "target-burst-capacity": "0" }, { ready: 1, panic: 500 })).toBe(0);
});
