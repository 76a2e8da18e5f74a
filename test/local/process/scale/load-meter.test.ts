/** What the activator reports of the requests, worked out by hand from Serving's concurrency_reporter.go. */
import { expect, it } from "vitest";
import { LoadMeter } from "../../../../local/process/scale/load-meter.ts";

it("reports a first request at once, and only what is above it at the second's end", () => {
  const meter = new LoadMeter();
  expect(meter.enter(100)).toEqual({ concurrency: 1, count: 1 });
  expect(meter.enter(100)).toBeUndefined();
  expect(meter.enter(600)).toBeUndefined();
  // Two for 500 ms, three for 500 ms: 2.5.
  expect(meter.report(1_100)).toEqual({ concurrency: 1.5, count: 2 });
  expect(meter.report(2_100)).toEqual({ concurrency: 3, count: 0 });
});

it("reports less than one at once as 0 after a first request, never below", () => {
  const meter = new LoadMeter();
  meter.enter(0);
  meter.leave(100);
  expect(meter.report(1_000)).toEqual({ concurrency: 0, count: 0 });
  meter.enter(1_000);
  meter.leave(1_250);
  expect(meter.report(2_000)).toEqual({ concurrency: 0.25, count: 1 });
});

it("has nothing to report after a second of silence, and the next request is a first one", () => {
  const meter = new LoadMeter();
  meter.enter(0);
  meter.leave(500);
  meter.report(1_000);
  expect(meter.report(2_000)).toEqual({ concurrency: 0, count: 0 });
  expect(meter.report(3_000)).toBeUndefined();
  expect(meter.enter(3_500)).toEqual({ concurrency: 1, count: 1 });
});
