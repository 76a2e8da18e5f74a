/** When somebody is left alone, and when they are tried again. */
import { expect, test } from "vitest";
import { backoffMs } from "../../../../functions/notification/send/backoff.ts";
import { Breaker } from "../../../../functions/notification/send/breaker.ts";

function openBreaker(): { breaker: Breaker; pass: (ms: number) => void } {
  let nowMs = 0;
  const options = { threshold: 3, baseMs: 1_000, maxMs: 4_000, random: () => 1 };
  return {
    breaker: new Breaker({ ...options, nowMs: () => nowMs }),
    pass: (ms) => void (nowMs += ms),
  };
}

test("it opens after failures in a row, not after as many with a success between", () => {
  const { breaker } = openBreaker();
  breaker.failed();
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  breaker.failed();
  expect(breaker.waitMs).toBe(0);

  breaker.failed();
  expect(breaker.waitMs).toBe(1_000);
});

test("after the wait one message tries: its failure doubles the wait, its success ends it", () => {
  const { breaker, pass } = openBreaker();
  for (let index = 0; index < 3; index++) breaker.failed();
  for (const waitMs of [2_000, 4_000, 4_000]) {
    pass(breaker.waitMs);
    breaker.started();
    expect(breaker.waitMs).toBeGreaterThan(0);
    breaker.failed();
    expect(breaker.waitMs).toBe(waitMs);
  }
  pass(4_000);
  breaker.started();
  breaker.succeeded();
  expect([breaker.isClosed, breaker.waitMs]).toEqual([true, 0]);
});

test("messages that were under way when it opened do not prolong the wait", () => {
  const { breaker } = openBreaker();
  for (let index = 0; index < 10; index++) breaker.failed();

  expect(breaker.waitMs).toBe(1_000);
});

test("a provider that says when is not asked before", () => {
  const { breaker } = openBreaker();
  breaker.failed(60_000);

  expect(breaker.waitMs).toBe(60_000);
});

test("waits double up to the limit, and no two replicas need wait alike", () => {
  const limits = { baseMs: 1_000, maxMs: 60_000 };
  const most = [1, 2, 3, 10, 5_000].map((n) => backoffMs(n, { ...limits, random: () => 1 }));
  expect(most).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  expect(backoffMs(3, { ...limits, random: () => 0 })).toBe(2_000);
});
