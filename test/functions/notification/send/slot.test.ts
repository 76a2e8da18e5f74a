/** Places for messages under way, and the order in which lanes get them. */
import { expect, test } from "vitest";
import type { Job } from "../../../../functions/notification/ledger/job.ts";
import { LaneQueue } from "../../../../functions/notification/send/lane-queue.ts";
import { Slots } from "../../../../functions/notification/send/slot.ts";

test("a message that takes long frees its place, as long as there is one to move to", () => {
  const slots = new Slots(1);
  const first = slots.take(false);
  expect(slots.isFree(false)).toBe(false);

  slots.moveAside(first);
  expect([slots.isFree(false), slots.isFree(true)]).toEqual([true, false]);
  const second = slots.take(false);
  slots.moveAside(second);
  expect(slots.isFree(false)).toBe(false);

  slots.release(first);
  expect([slots.isFree(false), slots.isFree(true)]).toEqual([true, false]);
  slots.release(second);
  expect([slots.used, slots.isFree(true)]).toEqual([0, true]);
});

test("lanes are served in turn, whatever the length of each", () => {
  const breaker = { threshold: 3, baseMs: 1, maxMs: 1, random: () => 0, nowMs: () => 0 };
  const queue = new LaneQueue(1, breaker);
  // Only the order is looked at here.
  const jobs = Array.from({ length: 6 }, (_, seq) => ({ seq }) as Job);
  for (const [index, job] of jobs.entries()) {
    queue.push(queue.lane(index < 4 ? "long" : `short${index}`), job);
  }

  const order: number[] = [];
  for (let next = queue.take(() => true); next !== undefined; next = queue.take(() => true)) {
    order.push(next.job.seq);
  }

  expect(order).toEqual([0, 4, 5, 1, 2, 3]);
  expect(queue.size).toBe(0);
});
