/** The autoscaler over the seconds of a function's day, from its requests alone. */
import { expect, it } from "vitest";
import { PodAutoscaler } from "../../../../local/process/scale/pod-autoscaler.ts";
import { scaleOf } from "../fixture/scale.ts";

/** A function whose processes are ready as soon as they are wanted. */
function run(autoscaler: PodAutoscaler) {
  let size = 0;
  let now = 0;
  return {
    size: () => size,
    requests(count: number) {
      for (let at = 0; at < count; at += 1) size = autoscaler.enter(now, size)?.size ?? size;
    },
    answers(count: number) {
      for (let at = 0; at < count; at += 1) autoscaler.leave(now);
    },
    seconds(count: number): number[] {
      return Array.from({ length: count }, () => {
        now += 1_000;
        size = autoscaler.look(now, size).size ?? size;
        return size;
      });
    },
  };
}

it("sleeps until the first request, and again a window and the retention after the last", () => {
  const scale = scaleOf({ window: "6s", "scale-to-zero-pod-retention-period": "4s" });
  const one = run(new PodAutoscaler(scale));
  expect(one.seconds(3)).toEqual([0, 0, 0]);
  one.requests(1);
  expect(one.size()).toBe(1);
  one.answers(1);
  // The window is empty at 9 s, seen at the tick of 10 s; from there the retention.
  expect(one.seconds(12)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
});

it("stays awake as long as a request is being answered", () => {
  const one = run(new PodAutoscaler(scaleOf({ window: "6s" })));
  one.requests(1);
  expect(one.seconds(30)).not.toContain(0);
  one.answers(1);
  expect(one.seconds(9).at(-1)).toBe(0);
});

it("takes a burst to max-scale within a tick, and goes down by halves after the panic", () => {
  const scale = scaleOf({ window: "6s", "max-scale": "4" }, 10);
  const one = run(new PodAutoscaler(scale));
  one.requests(40);
  expect(one.size()).toBe(1);
  expect(one.seconds(2).at(-1)).toBe(4);
  one.answers(40);
  const later = one.seconds(20);
  expect(later.slice(0, 6)).toEqual([4, 4, 4, 4, 4, 4]);
  expect([...new Set(later)]).toEqual([4, 2, 1, 0]);
});

it("counts requests of a second where the metric is rps", () => {
  const one = run(new PodAutoscaler(scaleOf({ metric: "rps", target: "10" })));
  for (let second = 0; second < 4; second += 1) {
    one.requests(13);
    one.answers(13);
    one.seconds(1);
  }
  expect(one.size()).toBe(2);
});
