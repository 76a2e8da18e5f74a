/** No gaps, no second id, nothing in the past of an edit: whatever pings, edits and crashes come in between. */
import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  openSchedule,
  parseRecurrence,
} from "../../../functions/recurring-task/recurrence/recurrence.ts";
import type { Answer } from "./recording-broker.ts";
import { type Harness, recurrence, startHarness } from "./harness.ts";

const rules = [
  "FREQ=HOURLY",
  "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,20",
  "FREQ=MINUTELY;INTERVAL=45",
  "FREQ=DAILY;BYHOUR=2,3,9;BYMINUTE=30",
  "FREQ=DAILY;COUNT=40;BYHOUR=1,2,3,4",
  "FREQ=WEEKLY;BYDAY=SA,SU,MO;BYHOUR=1,2,3,4,5,6,7,8",
];

type Fault = "none" | "down" | "lost" | "killed";
type Step =
  | { readonly do: "wait"; readonly minutes: number }
  | { readonly do: "ping"; readonly times: number; readonly fault: Fault; readonly after: number }
  | {
      readonly do: "edit";
      readonly rule: number;
      readonly delivered: number;
      readonly lateMinutes: number;
      /** With pings at both replicas at the same time. */
      readonly amidPings: boolean;
    }
  | { readonly do: "retitle" }
  | { readonly do: "end"; readonly drained: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait"), minutes: fc.integer({ min: 1, max: 300 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("ping"),
      times: fc.integer({ min: 1, max: 3 }),
      fault: fc.constantFrom<Fault>("none", "none", "down", "lost", "killed"),
      after: fc.integer({ min: 0, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("edit"),
      rule: fc.nat({ max: rules.length - 1 }),
      delivered: fc.integer({ min: 1, max: 3 }),
      lateMinutes: fc.constantFrom(0, 0, 0, 1, 30, 100),
      amidPings: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("retitle") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end"), drained: fc.boolean() }) },
);

/** One rule from the edit that made it to the one that followed. */
interface Version {
  readonly rule: string | null;
  readonly madeAt: number;
  readonly receivedAt: number;
  /** Of an end: false where occurrences were still to be sent, which are then not. */
  readonly drained: boolean;
}

describe("the occurrences of a series", () => {
  it("are each published under one id, and no others", { timeout: 300_000 }, async () => {
    const harness = await startHarness("2026-03-27T20:00:00Z", { PING_BUDGET_MS: "100000" });
    const other = await harness.startReplica();
    const admin = new Client({ connectionString: harness.database.adminUrl });
    await admin.connect();
    onTestFinished(() => admin.end());
    let run = 0;
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (steps) => {
        const taskId = `t${++run}`;
        harness.clock.now = new Date("2026-03-27T20:00:00Z");
        const versions = await play({ harness, other, admin, taskId, lastMadeAt: 0 }, steps);
        check(harness, taskId, versions);
      },
    );
    await fc.assert(property, { numRuns: 60, endOnFailure: true });
    expect(harness.broker.stored.length).toBeGreaterThan(200);
  });
});

interface World {
  readonly harness: Harness;
  readonly other: Harness["replica"];
  readonly admin: Client;
  readonly taskId: string;
  lastMadeAt: number;
}

async function play(world: World, steps: readonly Step[]): Promise<Version[]> {
  const { harness, taskId } = world;
  const { clock, ping } = harness;
  const versions: Version[] = [];
  await edit(world, versions, { rule: rules[0] ?? null, delivered: 1, lateMinutes: 0 });
  for (const action of steps) {
    // Two things never happen at the same millisecond.
    clock.advance(1);
    if (action.do === "wait") clock.advance(action.minutes * 60_000);
    if (action.do === "ping") await pingWithFault(world, action);
    if (action.do === "edit") {
      const edited = edit(world, versions, { ...action, rule: rules[action.rule] ?? null });
      const pinged = action.amidPings ? [ping(), ping(world.other)] : [];
      await Promise.all([edited, ...pinged]);
    }
    if (action.do === "end") {
      if (action.drained) await drain(harness);
      clock.advance(1);
      const end = { rule: null, delivered: 1, lateMinutes: 0, drained: action.drained };
      await edit(world, versions, end);
    }
    if (action.do === "retitle") await harness.send("task.updated", taskId, { title: "other" });
  }
  await drain(harness);
  return versions;
}

/** Pings until there is nothing to publish. */
async function drain({ broker, clock, ping }: Harness): Promise<void> {
  let before = -1;
  while (broker.stored.length > before) {
    before = broker.stored.length;
    clock.advance(1);
    await delivered(() => ping());
  }
}

/** As a KafkaSource delivers: a killed connection answers 503, and it tries again. */
async function delivered(send: () => Promise<number>): Promise<void> {
  await expect.poll(send, { interval: 5, timeout: 5_000 }).toBe(204);
}

async function edit(
  world: World,
  versions: Version[],
  change: { rule: string | null; delivered: number; lateMinutes: number; drained?: boolean },
): Promise<void> {
  const { harness, taskId } = world;
  const receivedAt = harness.clock.now.getTime();
  // Made after the last one, received late.
  world.lastMadeAt = Math.max(world.lastMadeAt + 1, receivedAt - change.lateMinutes * 60_000);
  const madeAt = world.lastMadeAt;
  const event = {
    id: randomUUID(),
    type: "task.updated",
    time: new Date(madeAt).toISOString(),
    data: {
      task_id: taskId,
      user_id: "u1",
      payload: { recurrence: change.rule === null ? null : recurrence(change.rule) },
    },
  };
  for (let times = 0; times < change.delivered; times++) {
    await delivered(async () => (await harness.post(event)).status);
  }
  // A rule that is said again goes on.
  if (change.rule !== versions.at(-1)?.rule) {
    versions.push({ rule: change.rule, madeAt, receivedAt, drained: change.drained ?? true });
  }
}

/** Concurrent pings at two replicas; the fault strikes at the event after `after` others, and once. */
async function pingWithFault(
  { harness, other, admin }: World,
  { times, fault, after }: { times: number; fault: Fault; after: number },
): Promise<void> {
  let seen = 0;
  harness.broker.answer = async (): Promise<Answer> => {
    if (seen++ < after || fault === "none") return "stored";
    if (fault === "down") return 503;
    if (fault === "lost") return "lost";
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'recurring'",
    );
    return "stored";
  };
  const replicas = [harness.replica, other, harness.replica].slice(0, times);
  const statuses = await Promise.all(replicas.map((replica) => harness.ping(replica)));
  for (const status of statuses) expect([204, 503]).toContain(status);
  harness.broker.answer = () => "stored";
}

function check({ broker, clock }: Harness, taskId: string, versions: readonly Version[]): void {
  const stored = broker.stored.filter(({ event }) => event.subject === taskId);
  const bytesById = Map.groupBy(stored, ({ event }) => event.id);
  for (const [id, same] of bytesById) {
    expect(new Set(same.map(({ bytes }) => bytes)).size, `${id} has one content`).toBe(1);
  }
  const published = new Set(stored.map(({ event }) => event.data.payload.occurrence_at));
  expect(published.size, "one id an occurrence").toBe(bytesById.size);
  const { due, allowed } = expected(versions, clock.now.getTime());
  expect(
    [...published].filter((at) => !allowed.has(at)),
    "in the past of an edit",
  ).toEqual([]);
  expect(
    [...due].filter((at) => !published.has(at)),
    "gaps",
  ).toEqual([]);
}

/**
 * A rule is in force from when it was made to when the next was. Until that is received, the rule before can still
 * have fired; and what was due of a rule when its series was ended need not be fired any more.
 */
function expected(versions: readonly Version[], now: number) {
  const due = new Set<string>();
  const allowed = new Set<string>();
  versions.forEach(({ rule, madeAt, receivedAt }, index) => {
    if (rule === null) return;
    const next = versions[index + 1];
    const isSent = versions.slice(index).find((version) => version.rule === null)?.drained ?? true;
    const { madeAt: until = now, receivedAt: at = now } = next ?? {};
    for (const instant of openSchedule(parseRecurrence(recurrence(rule))).after(madeAt)) {
      if (instant > at) break;
      const text = `${new Date(instant).toISOString().slice(0, 19)}Z`;
      allowed.add(text);
      if (isSent && instant > receivedAt && instant <= until) due.add(text);
    }
  });
  return { due, allowed };
}
