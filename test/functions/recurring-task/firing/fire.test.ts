/** What a ping publishes, and what faults and repetition change about it: nothing. */
import { Client } from "pg";
import { describe, expect, it } from "vitest";
import { dayMs, type Harness, hourMs, recurrence, startHarness } from "../harness.ts";

const daily = { title: "Water", recurrence: recurrence("FREQ=DAILY") };

const days = (...numbers: number[]) =>
  numbers.map((day) => `2026-03-${String(day).padStart(2, "0")}T08:00:00Z`);

describe("a ping", () => {
  it("publishes each due occurrence as task.recurring.triggered", async () => {
    const { send, ping, clock, broker } = await startHarness();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const payload = { ...daily, estimate: 1, time_zone: "mine" };
    expect(await send("task.created", "t1", payload, { traceparent })).toBe(204);
    expect(await ping()).toBe(204);
    expect(broker.stored).toEqual([]);
    clock.advance(hourMs);
    expect(await ping()).toBe(204);
    expect(broker.stored.map(({ event }) => event)).toEqual([
      {
        specversion: "1.0",
        id: expect.stringMatching(/^20260302T080000Z-[0-9a-f]{32}$/),
        source: "/recurring-task",
        type: "task.recurring.triggered",
        subject: "t1",
        partitionkey: "t1",
        time: "2026-03-02T08:00:00Z",
        datacontenttype: "application/json",
        dataschema: "urn:task-events:schema:task.recurring.triggered",
        traceparent,
        data: {
          task_id: "t1",
          user_id: "u1",
          payload: {
            title: "Water",
            estimate: 1,
            occurrence_at: "2026-03-02T08:00:00Z",
            occurrence_local: "2026-03-02T09:00:00",
            time_zone: "Europe/Berlin",
          },
        },
      },
    ]);
    expect([...broker.contentTypes]).toEqual(["application/cloudevents+json"]);
  });

  it("catches up what lost pings left, once, whatever comes late or doubled", async () => {
    const { send, ping, clock, published } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(3 * dayMs);
    await ping();
    expect(published("t1")).toEqual(days(2, 3, 4));
    await Promise.all([ping(), ping()]);
    expect(published("t1")).toEqual(days(2, 3, 4));
  });

  it("is shared by replicas: each occurrence is published by one", async () => {
    const { send, ping, clock, startReplica, broker } = await startHarness();
    const other = await startReplica();
    for (let task = 0; task < 40; task++) await send("task.created", `t${task}`, daily);
    clock.advance(2 * dayMs);
    const statuses = await Promise.all([ping(), ping(other), ping(), ping(other)]);
    expect(statuses).toEqual([204, 204, 204, 204]);
    await ping();
    expect(broker.stored).toHaveLength(80);
    expect(new Set(broker.stored.map(({ event }) => event.id)).size).toBe(80);
  });

  it("carries the fields as they were written, also what JSON.parse or jsonb cannot hold", async () => {
    const { clock, ping, broker, post } = await startHarness();
    const fields = `"big":12345678901234567890,"huge":1e400,"nul":"\\u0000","half":"\\ud800","name":"日本"`;
    const rule = JSON.stringify(recurrence("FREQ=DAILY"));
    const body = `{"specversion":"1.0","id":"1","source":"/test","type":"task.created","time":"${clock.now.toISOString()}",
      "data":{"task_id":"タスク","user_id":"u1","payload":{${fields},"recurrence":${rule}}}}`;
    expect(JSON.parse(body)).toBeDefined();
    expect((await post(body)).status).toBe(204);
    clock.advance(hourMs);
    await ping();
    expect(broker.stored[0]?.bytes).toContain(`"payload":{${fields},"occurrence_at"`);
    expect(broker.stored[0]?.event).toMatchObject({ subject: "タスク", partitionkey: "タスク" });
  });

  it("publishes at most 100 a series, and the next goes on where it ended", async () => {
    const { send, ping, clock, published } = await startHarness();
    await send("task.created", "t1", { recurrence: recurrence("FREQ=MINUTELY") });
    clock.advance(250 * 60_000);
    const counts: number[] = [];
    for (let pings = 0; pings < 4; pings++) {
      await ping();
      clock.advance(1);
      counts.push(published("t1").length);
    }
    expect(counts).toEqual([100, 200, 250, 250]);
    expect(new Set(published("t1")).size).toBe(250);
  });

  it("publishes 10,000 due series", { timeout: 120_000 }, async () => {
    const { send, ping, clock, broker, database } = await startHarness("2026-03-02T07:30:00Z", {
      PING_BUDGET_MS: "100000",
    });
    await send("task.created", "t", daily);
    await withAdmin(database.adminUrl, (admin) => admin.query(copies));
    clock.advance(hourMs);
    const startedAt = performance.now();
    expect(await ping()).toBe(204);
    console.log(`10,001 occurrences in ${Math.round(performance.now() - startedAt)} ms`);
    expect(new Set(broker.stored.map(({ event }) => event.id)).size).toBe(10_001);
    expect(broker.mostOpen()).toBeLessThanOrEqual(64);
  });

  it("leaves to the next one what it has no time for", async () => {
    const harness = await startHarness("2026-03-02T07:30:00Z", { PING_BUDGET_MS: "100" });
    const { send, ping, clock, broker, database } = harness;
    await send("task.created", "t", daily);
    await withAdmin(database.adminUrl, (admin) => admin.query(copies));
    clock.advance(hourMs);
    expect(await ping()).toBe(204);
    const first = broker.stored.length;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(10_001);
    await ping();
    expect(broker.stored.length).toBeGreaterThan(first);
    expect(new Set(broker.stored.map(({ event }) => event.id)).size).toBe(broker.stored.length);
  });
});

describe("catch_up", () => {
  const after = async (catchUp: string, rrule: string, ms: number) => {
    const harness = await startHarness();
    const { send, ping, clock, published } = harness;
    await send("task.created", "t1", { recurrence: recurrence(rrule, { catch_up: catchUp }) });
    clock.advance(ms);
    await ping();
    return { harness, times: published("t1") };
  };

  it("all: publishes what is due within the window of 7 days", async () => {
    const { harness, times } = await after("all", "FREQ=DAILY", 10 * dayMs);
    // At 07:30 on the 12th, 08:00 on the 5th is just within.
    expect(times).toEqual(days(5, 6, 7, 8, 9, 10, 11));
    expect(await metrics(harness)).toContain(
      'task_events_occurrences_skipped_total{reason="missed",function="recurring-task"} 3',
    );
  });

  it("latest: publishes the last one alone", async () => {
    expect((await after("latest", "FREQ=DAILY", 3 * dayMs)).times).toEqual(days(4));
    expect((await after("latest", "FREQ=MINUTELY", 30 * dayMs)).times).toEqual([
      "2026-04-01T07:30:00Z",
    ]);
  });

  it("none: publishes what is due for less than 150 s, whatever was due before", async () => {
    const { harness, times } = await after("none", "FREQ=DAILY", 3 * dayMs);
    expect(times).toEqual([]);
    const { clock, ping, published } = harness;
    clock.now = new Date("2026-03-06T08:02:29Z");
    await ping();
    expect(published("t1")).toEqual(days(6));
    clock.now = new Date("2026-03-07T08:02:30Z");
    await ping();
    expect(published("t1")).toEqual(days(6));
  });
});

describe("a fault", () => {
  it("of the Broker answers the ping 503 and loses nothing", async () => {
    const { send, ping, clock, broker, published } = await startHarness();
    await send("task.created", "t1", daily);
    await send("task.created", "t2", daily);
    clock.advance(hourMs);
    for (const status of [503, 500, 429, 404]) {
      broker.answer = () => status;
      expect(await ping()).toBe(503);
    }
    clock.advance(dayMs);
    broker.answer = () => "stored";
    expect(await ping()).toBe(204);
    expect(published("t1")).toEqual(days(2, 3));
    expect(published("t2")).toEqual(days(2, 3));
  });

  it("between the Broker's storing and our commit sends the same bytes again", async () => {
    const { send, ping, clock, broker, database } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(hourMs);
    broker.answer = () => "lost";
    expect(await ping()).toBe(503);
    broker.answer = () => killConnections(database.adminUrl).then(() => "stored");
    expect(await ping()).toBe(503);
    broker.answer = () => "stored";
    await send("task.updated", "t1", { title: "Later" });
    expect(await ping()).toBe(204);
    const bytes = broker.stored.map((stored) => stored.bytes);
    expect(bytes).toHaveLength(3);
    expect(new Set(bytes).size).toBe(1);
    await ping();
    expect(broker.stored).toHaveLength(3);
  });

  it("of PostgreSQL answers 503 and loses nothing", async () => {
    const { send, ping, clock, database, published } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(hourMs);
    const outage = await database.outage();
    expect(await ping()).toBe(503);
    expect(await send("task.deleted", "t2", {})).toBe(503);
    await outage[Symbol.asyncDispose]();
    expect(await ping()).toBe(204);
    expect(published("t1")).toEqual(days(2));
  });

  it("of one event, that the Broker refuses, does not hold up the others", async () => {
    const harness = await startHarness();
    const { send, ping, clock, broker, published } = harness;
    await send("task.created", "bad", daily);
    await send("task.created", "good", daily);
    clock.advance(hourMs);
    broker.answer = ({ subject }) => (subject === "bad" ? 400 : "stored");
    expect(await ping()).toBe(204);
    expect(published("good")).toEqual(days(2));
    expect(await metrics(harness)).toContain(
      'task_events_occurrences_refused_total{function="recurring-task"} 1',
    );
    broker.answer = () => "stored";
    clock.advance(hourMs);
    await ping();
    expect(published("bad")).toEqual(days(2));
  });
});

/** 10,000 more series like the one of task t. */
const copies = `insert into recurring.series
  select (jsonb_populate_record(s, jsonb_build_object('task_id', 't' || n))).*
  from recurring.series s, generate_series(1, 10000) n`;

const metrics = async ({ replica }: Harness) => (await fetch(replica.metricsUrl)).text();

const killConnections = (adminUrl: string) =>
  withAdmin(adminUrl, (admin) =>
    admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'recurring'",
    ),
  );

async function withAdmin(url: string, work: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
