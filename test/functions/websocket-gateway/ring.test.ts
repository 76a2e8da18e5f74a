/** The ring's bounds, and what it knows of repetitions. */
import { expect, it } from "vitest";
import { Ring, type RingEvent } from "../../../functions/websocket-gateway/topic/ring.ts";

const event = (identity: string, bytes = 10): RingEvent => ({
  identity,
  userId: "u1",
  text: Buffer.alloc(bytes),
  digest: identity,
});

it("keeps so many events, and knows from where on it is complete", () => {
  const ring = new Ring({ events: 3, bytes: 1000 }, [5, 0]);
  for (const [partition, offset] of [
    [0, 5],
    [1, 0],
    [0, 6],
    [0, 7],
    [1, 1],
  ] as const) {
    ring.append(partition, offset, event(`${partition}/${offset}`));
  }
  expect([ring.begin, ring.head]).toEqual([
    [6, 1],
    [8, 2],
  ]);
  expect([ring.firstSequence, ring.nextSequence, ring.size]).toEqual([2, 5, 3]);
  expect(ring.at(1)).toBeUndefined();
  expect([2, 3, 4].map((at) => ring.at(at)?.identity)).toEqual(["0/6", "0/7", "1/1"]);
  expect(ring.at(5)).toBeUndefined();
});

it("keeps no more bytes than it may, but always the last event", () => {
  const ring = new Ring({ events: 100, bytes: 50 }, [0]);
  for (let offset = 0; offset < 20; offset++) ring.append(0, offset, event(`e${offset}`, 20));
  expect([ring.size, ring.bytes]).toEqual([2, 40]);
  ring.append(0, 20, event("large", 500));
  expect([ring.size, ring.bytes, ring.begin]).toEqual([1, 500, [20]]);
});

it("finds the oldest record of an identity; a repetition takes its place when it has left", () => {
  const ring = new Ring({ events: 2, bytes: 1000 }, [0]);
  const first = ring.append(0, 0, event("same"));
  const second = ring.append(0, 1, event("same"));
  expect(ring.find("same")).toBe(first);
  ring.append(0, 2, event("other"));
  expect(ring.find("same")).toBe(second);
  ring.append(0, 3, event("another"));
  expect(ring.find("same")).toBeUndefined();
});

it("begins at 0 in a partition that was added, and never moves back", () => {
  const ring = new Ring({ events: 10, bytes: 1000 }, [7]);
  ring.append(2, 0, event("new"));
  expect([ring.begin, ring.head]).toEqual([
    [7, 0, 0],
    [7, 0, 1],
  ]);
  ring.skipTo(0, 3);
  expect(ring.head[0]).toBe(7);
});

it("holds its bounds over a hundred thousand events", () => {
  const ring = new Ring({ events: 1000, bytes: 1_000_000 }, [0]);
  for (let offset = 0; offset < 100_000; offset++)
    ring.append(0, offset, event(`e${offset % 5000}`));
  expect([ring.size, ring.begin[0], ring.at(ring.firstSequence)?.offset]).toEqual([
    1000, 99_000, 99_000,
  ]);
});
