/** When the last process may end, worked out by hand from Serving's scaler.go and kpa.go. */
import { expect, it } from "vitest";
import {
  ASLEEP,
  reconcile,
  type ScaleStatus,
  type Wish,
} from "../../../../local/process/scale/scale-to-zero.ts";
import type { Scale } from "../../../../local/process/scale/scale.ts";
import { scaleOf } from "../fixture/scale.ts";

function sizes(scale: Scale, wishes: readonly (Partial<Wish> & { now: number })[]) {
  let status: ScaleStatus = ASLEEP;
  return wishes.map((wish) => {
    const found = reconcile(scale, { wanted: 0, excessBurst: -1, ready: 1, ...wish }, status);
    status = found.status;
    return found.size;
  });
}

it("keeps the last process until it was active for a window and idle for the retention", () => {
  const scale = scaleOf({ window: "60s", "scale-to-zero-pod-retention-period": "30s" });
  const wishes = [
    { now: 0, wanted: 1, ready: 0 },
    { now: 2_000, wanted: 1 },
    // Active since 2 s.
    { now: 61_999 },
    // Inactive from here on.
    { now: 62_000 },
    { now: 91_999 },
    { now: 92_000 },
  ];
  expect(sizes(scale, wishes)).toEqual([1, 1, 1, undefined, undefined, 0]);
});

it("ends it at once without a retention where the activator was in the path all the time", () => {
  const wishes = [{ now: 0, wanted: 1 }, { now: 60_000 }, { now: 60_001 }];
  expect(sizes(scaleOf(), wishes)).toEqual([1, undefined, 0]);
});

it("waits for the cluster's grace period where the activator comes back into the path", () => {
  const wishes = [
    { now: 0, wanted: 1, excessBurst: 0 },
    { now: 60_000, excessBurst: 0 },
    { now: 89_999, excessBurst: 0 },
    { now: 90_000, excessBurst: 0 },
  ];
  expect(sizes(scaleOf(), wishes)).toEqual([1, undefined, undefined, 0]);
});

it("is active again with a request in the retention", () => {
  const scale = scaleOf({ "scale-to-zero-pod-retention-period": "30s" });
  const wishes = [
    { now: 0, wanted: 1 },
    { now: 60_000 },
    { now: 80_000, wanted: 1 },
    { now: 91_000 },
    { now: 140_000 },
    { now: 170_000 },
  ];
  expect(sizes(scale, wishes)).toEqual([1, undefined, 1, 1, undefined, 0]);
});

it("stays within min-scale and max-scale", () => {
  const scale = scaleOf({ "min-scale": "1", "max-scale": "3" });
  const wishes = [{ now: 0 }, { now: 1, wanted: 9 }, { now: 1_000_000 }];
  expect(sizes(scale, wishes)).toEqual([1, 3, 1]);
});

it("starts with initial-scale where it is written, once", () => {
  const scale = scaleOf({ "initial-scale": "2" });
  const wishes = [
    { now: 0, ready: 0 },
    { now: 1_000, ready: 1 },
    { now: 2_000, ready: 2 },
    { now: 3_000, ready: 2 },
    { now: 62_000, ready: 1 },
    { now: 62_001, ready: 1 },
  ];
  expect(sizes(scale, wishes)).toEqual([2, 2, 2, 1, undefined, 0]);
});

it("gives up what does not start after the progress deadline", () => {
  const wishes = [
    { now: 0, wanted: 1, ready: 0 },
    { now: 630_000, ready: 0 },
    { now: 630_001, ready: 0 },
  ];
  expect(sizes(scaleOf(), wishes)).toEqual([1, undefined, 0]);
});
