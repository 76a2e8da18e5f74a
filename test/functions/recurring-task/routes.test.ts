/** Recurrences and their next occurrences over HTTP, for those that may see them. */
import { describe, expect, it } from "vitest";
import { dayMs, type Harness, recurrence, startHarness } from "./harness.ts";

const create = async ({ post }: Harness, taskId: string, userId: string, rule: object) => {
  const data = { task_id: taskId, user_id: userId, payload: { recurrence: rule } };
  const time = "2026-03-02T07:30:00Z";
  expect((await post({ type: "task.created", time, data })).status).toBe(204);
};

const bodyOf = async (response: Response) => (await response.json()) as Record<string, unknown>;

describe("GET /series/{task_id}", () => {
  it("shows the rule and the next occurrences", async () => {
    const harness = await startHarness();
    await create(harness, "t1", "u1", {
      rrule: "FREQ=YEARLY",
      dtstart: "2026-12-31T09:00:00",
      time_zone: "Europe/Berlin",
      exdates: ["2027-12-31T09:00:00"],
    });
    const response = await harness.get("/series/t1?count=2");
    expect(response.status).toBe(200);
    expect(await bodyOf(response)).toEqual({
      task_id: "t1",
      user_id: "u1",
      rrule: "FREQ=YEARLY",
      dtstart: "2026-12-31T09:00:00",
      time_zone: "Europe/Berlin",
      exdates: ["2027-12-31T09:00:00"],
      catch_up: "all",
      state: "active",
      watermark: "2026-03-02T07:30:00.000Z",
      occurrences: [
        { at: "2026-12-31T08:00:00Z", local: "2026-12-31T09:00:00" },
        { at: "2028-12-31T08:00:00Z", local: "2028-12-31T09:00:00" },
      ],
    });
  });

  it("shows a dtstart with an offset as wall clock of the zone", async () => {
    const harness = await startHarness();
    const rule = recurrence("FREQ=DAILY", { dtstart: "2026-12-31T00:30:00-08:00" });
    await create(harness, "t1", "u1", rule);
    const body = await bodyOf(await harness.get("/series/t1"));
    expect(body).toMatchObject({ dtstart: "2026-12-31T09:30:00" });
    expect(body["occurrences"]).toHaveLength(5);
  });

  it("begins after now and the watermark, across a clock change", async () => {
    const harness = await startHarness("2026-03-27T12:00:00Z");
    await create(harness, "t1", "u1", recurrence("FREQ=DAILY"));
    harness.clock.advance(dayMs);
    const { occurrences } = await bodyOf(await harness.get("/series/t1?count=2"));
    expect(occurrences).toEqual([
      { at: "2026-03-29T07:00:00Z", local: "2026-03-29T09:00:00" },
      { at: "2026-03-30T07:00:00Z", local: "2026-03-30T09:00:00" },
    ]);
  });

  it("answers 404 for an unknown task and for one of somebody else, alike", async () => {
    const harness = await startHarness();
    await create(harness, "t1", "u1", recurrence("FREQ=DAILY"));
    const foreign = await harness.get("/series/t1", "u2");
    const unknown = await harness.get("/series/nothing", "u2");
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect(await foreign.text()).toBe(await unknown.text());
    expect((await harness.get("/series/t1", "boss", "admin")).status).toBe(200);
  });

  it("finds ids of 256 characters, whatever is in them", async () => {
    const harness = await startHarness();
    const taskId = "日/ %".padEnd(256, "é");
    await create(harness, taskId, "u1", recurrence("FREQ=DAILY"));
    const response = await harness.get(`/series/${encodeURIComponent(taskId)}`);
    expect(await bodyOf(response)).toMatchObject({ task_id: taskId });
  });

  it.each(["count=-1", "count=101", "count=x", "count=1.5"])("refuses %s", async (query) => {
    const harness = await startHarness();
    const response = await harness.get(`/series/t1?${query}`);
    expect(response.status).toBe(400);
    expect((await bodyOf(response))["error"]).toContain("count");
  });
});

describe("GET /series", () => {
  it("shows the series of a user in pages", async () => {
    const harness = await startHarness();
    for (const task of ["a", "b", "c"]) {
      await create(harness, task, "u1", recurrence("FREQ=DAILY"));
    }
    await create(harness, "b2", "u2", recurrence("FREQ=DAILY"));
    await harness.send("task.created", "none", { title: "without a recurrence" });
    const ids: unknown[] = [];
    let next: string | null = "";
    while (next !== null) {
      const cursor: string = next === "" ? "" : `&cursor=${next}`;
      const page = await bodyOf(await harness.get(`/series?user_id=u1&limit=2${cursor}`));
      ids.push((page["series"] as { task_id: string }[]).map((series) => series.task_id));
      next = page["next"] as string | null;
    }
    expect(ids).toEqual([["a", "b"], ["c"]]);
    const all = await bodyOf(await harness.get("/series?count=1", "boss", "admin"));
    expect(all["series"]).toHaveLength(4);
  });

  it("answers 401 without a token or with a wrong one, 403 for somebody else's, and nothing else", async () => {
    const { get, replica } = await startHarness();
    for (const path of ["/series", "/series/t1", "/series?limit=x", "/series/t1?count=x"]) {
      expect((await fetch(`${replica.url}${path}`)).status).toBe(401);
      const headers = { authorization: "Bearer eyJhbGciOiJub25lIn0.e30." };
      expect((await fetch(`${replica.url}${path}`, { headers })).status).toBe(401);
    }
    expect((await get("/series?user_id=u2", "u1")).status).toBe(403);
  });

  it.each(["limit=0", "limit=1001", "cursor=%00", "cursor=%F0%9F"])("refuses %s", async (query) => {
    const harness = await startHarness();
    expect((await harness.get(`/series?${query}`)).status).toBe(400);
  });
});

describe("health", () => {
  it("is ready with its schema, and not without", async () => {
    const { replica, database } = await startHarness();
    const health = await fetch(`${replica.url}/health`);
    expect(await health.text()).toBe('{"service":"recurring-task-service","status":"healthy"}');
    expect((await fetch(`${replica.url}/health/readiness`)).status).toBe(200);
    const outage = await database.outage();
    expect((await fetch(`${replica.url}/health/readiness`)).status).toBe(503);
    await outage[Symbol.asyncDispose]();
  });
});

describe("GET /verdict", () => {
  it("tells an admin when an event was taken in, and whether the rule of its task is its own", async () => {
    const harness = await startHarness();
    const id = { id: "e1", source: "/task-app" };
    const data = {
      task_id: "t1",
      user_id: "u1",
      payload: { recurrence: recurrence("FREQ=DAILY") },
    };
    const time = "2026-03-02T07:30:00Z";
    await harness.post({ ...id, type: "task.created", time, data });
    const later = { ...data, payload: { title: "Another title" } };
    await harness.post({ ...id, id: "e2", type: "task.updated", time, data: later });
    const verdict = async (query: string) =>
      bodyOf(await harness.get(`/verdict?source=/task-app&${query}`, "root", "admin"));
    expect(await verdict("id=e1&task_id=t1")).toMatchObject({
      taken_in_at: expect.any(String),
      is_rule_of_event: true,
      series: { rrule: "FREQ=DAILY", state: "active" },
    });
    expect(await verdict("id=e2&task_id=t1")).toMatchObject({
      taken_in_at: expect.any(String),
      is_rule_of_event: false,
    });
    expect(await verdict("id=e3")).toEqual({
      taken_in_at: null,
      is_rule_of_event: false,
      series: null,
    });
    expect((await harness.get("/verdict?source=/task-app&id=e1")).status).toBe(403);
  });
});
