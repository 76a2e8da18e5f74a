/** What an operator asks of the audit log: its coverage, and all that it knows of one event. */
import { expect, test } from "vitest";
import { deliver, auditLogForEach, taskData, userToken } from "../setup.ts";

const scene = auditLogForEach();

async function get(path: string, scope = "admin"): Promise<{ status: number; body: unknown }> {
  const response = await fetch(new URL(path, scene.log.url), {
    headers: { authorization: `Bearer ${await userToken("root", scope)}` },
  });
  return { status: response.status, body: await response.json() };
}

test("coverage tells the recorded offsets of each partition, and the second records of an event", async () => {
  await deliver(scene.log.url, { id: "a", partition: 0, offset: 0 });
  await deliver(scene.log.url, { id: "b", partition: 0, offset: 1 });
  await deliver(scene.log.url, { id: "c", partition: 0, offset: 5 });
  await deliver(scene.log.url, { id: "a", partition: 2, offset: 0 });
  await deliver(scene.log.url, { id: "b", partition: 2, offset: 1, data: taskData("other") });
  const { status, body } = await get("/coverage");
  expect(status).toBe(200);
  expect(body).toEqual({
    topic: "task-events",
    generation: {
      id: expect.any(String),
      number: 1,
      began_at: expect.any(String),
      reason: "first record",
    },
    partitions: [
      {
        partition: 0,
        begin: 0,
        covered: [
          [0, 2],
          [5, 6],
        ],
        voids: [],
      },
      { partition: 1, begin: 0, covered: [], voids: [] },
      { partition: 2, begin: 0, covered: [[0, 2]], voids: [] },
    ],
    earlier: [],
    duplicates: { same: 1, different: 1 },
  });
});

test("of a log that has nothing yet, the coverage is empty", async () => {
  expect((await get("/coverage")).body).toEqual({
    topic: "task-events",
    generation: null,
    partitions: [],
    earlier: [],
    duplicates: { same: 0, different: 0 },
  });
});

test("the trace of an event has its entry, the places of its later records and what its task triggered", async () => {
  await deliver(scene.log.url, { id: "a", partition: 0, offset: 0 });
  await deliver(scene.log.url, { id: "a", partition: 0, offset: 3 });
  const triggered = { id: "o1", source: "/recurring-task", type: "task.recurring.triggered" };
  await deliver(scene.log.url, { ...triggered, partition: 0, offset: 4 });
  await deliver(scene.log.url, { id: "a", source: "/another", partition: 1, offset: 0 });
  const { body } = await get("/trace?id=a&source=/task-app");
  expect(body).toMatchObject({
    events: [
      {
        source: "/task-app",
        id: "a",
        type: "task.created",
        partition: 0,
        offset: 0,
        task_id: "t1",
        duplicates: [{ partition: 0, offset: 3, differs: false }],
        triggered: [{ id: "o1", partition: 0, offset: 4 }],
      },
    ],
  });
  const { events } = (await get("/trace?id=a")).body as { events: { source: string }[] };
  expect(events.map(({ source }) => source)).toEqual(["/task-app", "/another"]);
});

test("an id with NUL, of 6 KB, or that nobody has is no failure", async () => {
  const long = "x".repeat(6_000);
  await deliver(scene.log.url, { id: long, partition: 0, offset: 0 });
  expect((await get(`/trace?id=${long}`)).body).toMatchObject({ events: [{ id: long }] });
  expect(await get("/trace?id=%00")).toEqual({ status: 200, body: { events: [] } });
  expect(await get("/trace?id=none")).toEqual({ status: 200, body: { events: [] } });
});

test("only an admin is told", async () => {
  for (const path of ["/coverage", "/trace?id=a"]) {
    expect((await get(path, "")).status).toBe(403);
    expect((await fetch(new URL(path, scene.log.url))).status).toBe(401);
  }
});
