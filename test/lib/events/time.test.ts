/** Times that producers write, right and wrong. */
import { describe, expect, it } from "vitest";
import { comparePlaces, type Place } from "../../../lib/events/order.ts";
import { effectiveTime, parseTime } from "../../../lib/events/time.ts";

describe("RFC 3339", () => {
  it.each([
    ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00.000Z"],
    ["2026-11-23t12:00:00.5z", "2026-11-23T12:00:00.500Z"],
    ["2026-11-23T14:00:00+02:00", "2026-11-23T12:00:00.000Z"],
    ["2026-11-23T12:00:00.123456789Z", "2026-11-23T12:00:00.123Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["0000-02-29T00:00:00Z", "0000-02-29T00:00:00.000Z"],
  ])("reads %s", (text, instant) => {
    expect(new Date(parseTime(text) ?? Number.NaN).toISOString()).toBe(instant);
  });

  it.each([
    "",
    "now",
    "2026-11-23",
    "2026-11-23T12:00:00",
    "2026-02-30T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T12:00:61Z",
    "2026-13-01T00:00:00Z",
    "1764000000",
    "2026-11-23T12:00:00+25:00",
  ])("refuses %j", (text) => expect(parseTime(text)).toBeUndefined());
});

describe("the instant an event counts for", () => {
  const receivedAt = new Date("2026-11-23T12:00:00Z");
  it.each([
    [null, "2026-11-23T12:00:00.000Z"],
    ["9999-12-31T23:59:59Z", "2026-11-23T12:00:00.000Z"],
    ["2026-11-23T12:04:59Z", "2026-11-23T12:04:59.000Z"],
    ["2026-11-23T12:05:01Z", "2026-11-23T12:00:00.000Z"],
    ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"],
  ])("of time %s is %s", (time, instant) => {
    expect(effectiveTime({ time, receivedAt }).toISOString()).toBe(instant);
  });
});

describe("order of two events of a task", () => {
  const place = (changes: Partial<Place>): Place => ({
    id: "a",
    source: "/s",
    at: new Date("2026-11-23T12:00:00Z"),
    position: { partition: 1, offset: 5 },
    generation: "g",
    ...changes,
  });
  const later = new Date("2026-11-23T13:00:00Z");

  it("is the offset's in one partition, whatever the clocks say", () => {
    expect(
      comparePlaces(place({ at: later }), place({ position: { partition: 1, offset: 6 } })),
    ).toBeLessThan(0);
  });

  it("is the time's across partitions and generations, then the id's", () => {
    expect(
      comparePlaces(place({ at: later }), place({ position: { partition: 2, offset: 6 } })),
    ).toBeGreaterThan(0);
    expect(
      comparePlaces(
        place({ at: later }),
        place({ generation: "h", position: { partition: 1, offset: 6 } }),
      ),
    ).toBeGreaterThan(0);
    expect(comparePlaces(place({ position: null }), place({ id: "b" }))).toBeLessThan(0);
  });
});
