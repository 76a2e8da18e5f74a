/** A function on the whole runner, by its YAML: asleep, woken by an event, grown by a burst, asleep again, and nothing lost. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { pidsOf } from "../support/chaos.ts";
import { deadLetters, entriesOf, publish, settled, until } from "../support/look.ts";
import { Runner } from "../support/runner.ts";

const SERVICE = "knative/base/service-audit-log.yaml";
const BURST = 400;

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start({
    edit: {
      [SERVICE]: (text) =>
        text
          .replace("window: 60s", "window: 6s")
          .replace("retention-period: 30s", "retention-period: 0s")
          .replace('max-scale: "5"', 'max-scale: "3"')
          .replace("containerConcurrency: 200", "containerConcurrency: 2"),
    },
  });
});
afterAll(() => runner[Symbol.asyncDispose]());

const processes = (): number => pidsOf(runner, "audit-log").length;

/** What `make start` says of it. */
const linesOf = (name: string): string[] =>
  runner.output.split("\n").filter((line) => line.startsWith(`${name}: `));

/** Its process is gone before it is said. */
const untilAsleep = (): Promise<void> =>
  until(() => {
    expect(processes()).toBe(0);
    expect(linesOf("audit-log").at(-1)).toMatch(/asleep/);
  }, 40_000);

it("sleeps, wakes with an event, delivers it, and sleeps again after its window", async () => {
  await untilAsleep();
  const before = linesOf("audit-log").length;
  await publish(runner, [{ id: "wake" }]);
  const [attempt] = await settled(runner, "wake", "audit-log");
  expect(attempt).toMatchObject({ status: 204, attempt: 1, outcome: "done" });
  expect(processes()).toBe(1);
  await untilAsleep();
  expect(linesOf("audit-log").slice(before)).toEqual([
    expect.stringMatching(/^audit-log: awake after \d+ ms$/),
    expect.stringMatching(/^audit-log: asleep: idle, after \d+ s awake$/),
  ]);
}, 90_000);

it("grows to max-scale in a burst and shrinks to nothing, without a lost or refused request", async () => {
  const ids = Array.from({ length: BURST }, (_, at) => `burst-${String(at)}`);
  await publish(
    runner,
    ids.map((id, at) => ({ id, task: `t${String(at % 60)}` })),
  );
  await until(() => expect(processes()).toBe(3));
  for (const id of ids.slice(-3)) await settled(runner, id, "audit-log");
  await untilAsleep();
  const entries = await entriesOf(runner);
  expect(ids.filter((id) => !entries.some((entry) => entry.id === id))).toEqual([]);
  expect(await deadLetters(runner)).toEqual([]);
  expect(runner.output).not.toMatch(/audit-log +50\d/);
}, 120_000);
