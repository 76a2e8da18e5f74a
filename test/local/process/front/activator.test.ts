/** Requests that wait for a process: how many, how long, and what they are told. */
import { Agent } from "node:http";
import { expect, it } from "vitest";
import { Activator, NoReplicaError } from "../../../../local/process/front/activator.ts";
import { policyOf } from "../../../../local/process/front/load-balancing.ts";
import type { Replica } from "../../../../local/process/replica/replica-set.ts";

const replica = (ordinal: number): Replica => ({
  ordinal,
  port: ordinal,
  agent: new Agent(),
  inFlight: 0,
  isReady: true,
  gone: false,
});

function open(
  ready: Replica[],
  over: { concurrency?: number; queueLimit?: () => number; timeoutMs?: number } = {},
) {
  let inside = 0;
  const { concurrency = Infinity, ...rest } = over;
  const activator = new Activator({
    ready: () => ready,
    policy: policyOf(concurrency),
    timeoutMs: 10_000,
    onEnter: () => (inside += 1),
    onLeave: () => (inside -= 1),
    ...rest,
  });
  return { activator, inside: () => inside };
}

const forever = new AbortController().signal;

it("lets nobody wait beyond its limit: 503, with queue-proxy's sentence", async () => {
  const { activator, inside } = open([], { queueLimit: () => 1 });
  const waiting = activator.acquire(forever);
  await expect(activator.acquire(forever)).rejects.toMatchObject({
    status: 503,
    message: "pending request queue full",
  });
  expect(inside()).toBe(1);
  activator.onCrash({ code: 2, signal: null, sentence: "no" }, 1);
  await expect(waiting).rejects.toBeInstanceOf(NoReplicaError);
});

it("hands a place on as soon as it is free, first come first served, never above the limit", async () => {
  const only = replica(0);
  const { activator, inside } = open([only], { concurrency: 1 });
  const first = await activator.acquire(forever);
  const order: number[] = [];
  const second = activator.acquire(forever).then((lease) => (order.push(2), lease));
  const third = activator.acquire(forever).then((lease) => (order.push(3), lease));
  expect(inside()).toBe(3);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  expect(order).toEqual([2, 3]);
  expect([inside(), only.inFlight]).toEqual([0, 0]);
});

it("forgets a client that went away, and tells one that waited too long: 504", async () => {
  const { activator, inside } = open([], { timeoutMs: 20 });
  const gone = new AbortController();
  const left = activator.acquire(gone.signal);
  const late = activator.acquire(forever);
  gone.abort(new Error("the client went away"));
  await expect(left).rejects.toThrow("the client went away");
  await expect(late).rejects.toMatchObject({
    status: 504,
    message: "activator request timeout",
  });
  expect(inside()).toBe(0);
});

it("has patience with a crash, not with the third in a row", async () => {
  const { activator, inside } = open([]);
  const waiting = activator.acquire(forever);
  const exit = { code: 1, signal: null, sentence: "boom" };
  activator.onCrash(exit, 1);
  activator.onCrash(exit, 2);
  expect(inside()).toBe(1);
  activator.onCrash(exit, 3);
  await expect(waiting).rejects.toThrow(
    "the function does not start: ended with exit code 1: boom",
  );
});
