/** `POST /history` and `GET /generation`: what the gateway learns, and nobody else. */
import { expect, test } from "vitest";
import type { HistoryRequest, HistoryResponse } from "../../../../lib/events/history.ts";
import {
  deliver,
  getGeneration,
  serviceToken,
  auditLogForEach,
  taskData,
  userToken,
} from "../setup.ts";

const scene = auditLogForEach();

async function post(body: object, token?: string): Promise<Response> {
  return fetch(`${scene.log.url}/history`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${token ?? (await serviceToken())}`,
    },
    body: JSON.stringify(body),
  });
}

async function history(asked: Partial<HistoryRequest>): Promise<HistoryResponse> {
  const { generation } = await getGeneration(scene.log.url);
  const body = {
    user_id: "u1",
    unowned: false,
    generation,
    limit: 100,
    from: [0, 0],
    until: [100, 100],
    ...asked,
  };
  const response = await post(body);
  expect(response.status).toBe(200);
  return (await response.json()) as HistoryResponse;
}

const places = ({ events }: HistoryResponse) =>
  events.map(({ partition, offset }) => `${partition}/${offset}`);

/** u1 has the even offsets of both partitions, u2 the odd ones; 0/6 is a hole. */
async function record(): Promise<void> {
  for (const partition of [0, 1]) {
    for (const offset of [0, 1, 2, 3, 4, 5, 7, 8]) {
      const data = taskData("t", offset % 2 === 0 ? "u1" : "u2");
      await deliver(scene.log.url, { id: `${partition}-${offset}`, partition, offset, data });
    }
  }
  await deliver(scene.log.url, { id: "hole", partition: 1, offset: 6, data: taskData("t", "u2") });
}

test("a user's events between two points come in order, with how far the log is complete", async () => {
  await record();
  const all = await history({});
  expect(places(all)).toEqual(["0/0", "0/2", "0/4", "0/8", "1/0", "1/2", "1/4", "1/8"]);
  expect(all).toMatchObject({ covered: [6, 9], next: null });
  expect(all.events[0]?.event).toEqual({
    specversion: "1.0",
    id: "0-0",
    source: "/task-app",
    type: "task.created",
    datacontenttype: "application/json",
    data: JSON.parse(taskData("t", "u1")) as unknown,
  });
  const part = await history({ from: [2, 9], until: [8, 9] });
  expect(places(part)).toEqual(["0/2", "0/4"]);
  expect(part.covered).toEqual([6, 9]);
  expect((await history({ from: [6, 0], until: [8, 0] })).covered).toEqual([6, 9]);
});

test("pages follow each other without a gap or a repeat", async () => {
  await record();
  const found: string[] = [];
  let from: readonly number[] | null = [0, 0];
  while (from !== null) {
    const page: HistoryResponse = await history({ from: [...from], limit: 3 });
    found.push(...places(page));
    from = page.next;
  }
  expect(found).toEqual(["0/0", "0/2", "0/4", "0/8", "1/0", "1/2", "1/4", "1/8"]);
});

test("events without a user are told to an admin's peer alone, events with a problem to nobody", async () => {
  await deliver(scene.log.url, { id: "own", partition: 0, offset: 0 });
  await deliver(scene.log.url, {
    id: "unowned",
    type: "custom",
    partition: 0,
    offset: 1,
    data: "{}",
  });
  await deliver(scene.log.url, { id: "bad", partition: 0, offset: 2, data: '{"user_id":"u1"}' });
  expect(places(await history({}))).toEqual(["0/0"]);
  expect(places(await history({ unowned: true }))).toEqual(["0/0", "0/1"]);
  expect((await history({})).covered).toEqual([3, 0]);
});

test("another generation is answered with the present one and nothing else", async () => {
  await record();
  const present = (await getGeneration(scene.log.url)).generation;
  expect(await history({ generation: "gone" })).toEqual({
    generation: present,
    covered: [],
    events: [],
    next: null,
  });
});

test("large events make a page end early", async () => {
  const data = JSON.stringify({
    task_id: "t",
    user_id: "u1",
    payload: { note: "x".repeat(900_000) },
  });
  for (const offset of [0, 1, 2, 3])
    await deliver(scene.log.url, { id: `e${offset}`, partition: 0, offset, data });
  const page = await history({});
  expect(page.events.length).toBeLessThan(4);
  expect(page.next).toEqual([page.events.length, 0]);
});

test("a user's token, a long-lived one, another audience's and none are refused", async () => {
  for (const token of [
    await userToken("u1", "admin"),
    await serviceToken("10m"),
    await serviceToken("60s", "other"),
    "x",
  ]) {
    expect((await post({}, token)).status).toBe(401);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${scene.log.url}/generation`, { headers })).status).toBe(401);
  }
});

test.each([
  {},
  { user_id: "u1", unowned: false, generation: "g", from: [-1], until: [1], limit: 1 },
])("a wrong question %j is 400 with a sentence", async (body) => {
  const response = await post(body);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ error: expect.stringContaining("body") as string });
});
