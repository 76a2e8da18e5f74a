/** kill -9 of the runner, of each function and of PostgreSQL while events come in: nothing lost, nothing twice. */
import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import { expect, it, onTestFinished } from "vitest";
import { killHard, seededRandom } from "../support/chaos.ts";
import { Follower } from "../support/fault/follower.ts";
import { Runner } from "../support/runner.ts";

const total = 5000;
const seed = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);
const victims = [
  "runner",
  "notification",
  "audit-log",
  "recurring-task",
  "websocket-gateway",
  "postgres",
];

/** A producer keeps an event until it is accepted: same id, so a doubled one changes nothing. */
async function publish(runner: Runner, index: number): Promise<void> {
  const type = index % 5 === 0 ? "task.created" : "task.updated";
  const task = `fault-${index % 97}`;
  const data = { task_id: task, user_id: "u1", payload: { title: `#${index}#` } };
  for (;;) {
    const status = await runner
      .post({ id: `fault-${index}`, type, partitionkey: task }, data)
      .catch(() => 0);
    if (status === 202) return;
    await delay(100);
  }
}

interface Page {
  readonly entries: { id: string; type: string; source: string }[];
  readonly next: string | null;
}

async function allEntries(runner: Runner): Promise<Page["entries"]> {
  const entries: Page["entries"] = [];
  let next: string | null = "";
  while (next !== null) {
    const cursor: string = next === "" ? "" : `&cursor=${encodeURIComponent(next)}`;
    const page: Page = await runner.json<Page>(
      "audit-log",
      `/entries?limit=1000${cursor}`,
      "admin",
      "admin",
    );
    entries.push(...page.entries);
    next = page.next;
  }
  return entries;
}

it(
  `keeps every accepted event through kill -9 (FAULT_SEED=${seed})`,
  { timeout: 600_000 },
  async () => {
    const random = seededRandom(seed);
    const runner = await Runner.start();
    onTestFinished(() => runner[Symbol.asyncDispose]());
    const client = new Follower(runner, await runner.token("u1"));
    onTestFinished(() => client[Symbol.dispose]());
    await expect.poll(() => client.cursor, { timeout: 20_000 }).toBeDefined();
    await runner.post(
      { id: "series", type: "task.created", time: "2026-01-01T00:00:00Z", partitionkey: "s" },
      minutely(),
    );

    const limit = pLimit(10);
    const posts = Array.from({ length: total }, (_, index) => limit(() => publish(runner, index)));
    const state = { isDone: false };
    const published = Promise.all(posts).then(() => (state.isDone = true));
    const kills: string[] = [];
    while (!state.isDone) {
      await delay(500 + random() * 1500);
      const victim = victims[Math.floor(random() * victims.length)] ?? "runner";
      if (victim === "runner") {
        await runner.kill("SIGKILL");
        await runner.start();
        kills.push(victim);
      } else if (killHard(runner, victim)) {
        kills.push(victim);
      }
    }
    await published;
    console.log(`killed: ${kills.join(" ")}`);

    const ids = Array.from({ length: total }, (_, index) => `fault-${index}`);
    await expect
      .poll(
        async () => {
          const recorded = new Set((await allEntries(runner).catch(() => [])).map(({ id }) => id));
          return ids.filter((id) => !recorded.has(id)).length;
        },
        { timeout: 240_000, interval: 1000 },
      )
      .toBe(0);
    const entries = await allEntries(runner);
    const keys = entries.map(({ source, id }) => `${source} ${id}`);
    expect(keys.length).toBe(new Set(keys).size);

    await expect
      .poll(() => ids.filter((id) => !client.seen.has(id)).length, {
        timeout: 60_000,
        interval: 500,
      })
      .toBe(0);
    await expectMails(runner, kills.length);
    await expectOccurrences(runner);
  },
);

const minutely = (): object => ({
  task_id: "fault-series",
  user_id: "u2",
  payload: {
    recurrence: {
      rrule: "FREQ=MINUTELY;COUNT=30",
      dtstart: minutesAgo(40),
      time_zone: "UTC",
      catch_up: "all",
    },
  },
});

const minutesAgo = (minutes: number): string =>
  new Date(Math.floor(Date.now() / 60_000 - minutes) * 60_000).toISOString().slice(0, 19);

/** Each created task is mailed; again only where a kill fell between the mail server's answer and the commit. */
async function expectMails(runner: Runner, kills: number): Promise<void> {
  const expected = Array.from({ length: total / 5 }, (_, index) => `#${index * 5}#`);
  const counts = async (): Promise<Map<string, number>> => {
    const { messages } = await runner.json<{ messages: { subject: string }[] }>(
      "console",
      "/api/mail?limit=1000",
    );
    const counted = new Map<string, number>();
    for (const { subject } of messages) {
      const name = /#\d+#/.exec(subject)?.[0];
      if (name !== undefined) counted.set(name, (counted.get(name) ?? 0) + 1);
    }
    return counted;
  };
  // The console lists at most 1,000, and doubled mails may push out the oldest.
  await expect
    .poll(async () => (await counts()).size, { timeout: 180_000, interval: 1000 })
    .toBeGreaterThan(expected.length - 10 * kills);
  const doubled = [...(await counts()).values()].filter((count) => count > 1).length;
  console.log(`mailed twice: ${doubled} of ${expected.length}`);
  expect(doubled).toBeLessThanOrEqual(10 * kills);
}

/** All 30 occurrences, each under one id, though pings and processes were lost. */
async function expectOccurrences(runner: Runner): Promise<void> {
  const triggered = async (): Promise<string[]> => {
    const page = await runner.json<Page>(
      "audit-log",
      "/entries?task_id=fault-series&type=task.recurring.triggered",
      "admin",
      "admin",
    );
    return page.entries.map(({ id }) => id);
  };
  await expect
    .poll(async () => (await triggered()).length, { timeout: 150_000, interval: 1000 })
    .toBe(30);
  expect(new Set(await triggered()).size).toBe(30);
}
