/** `GET /entries`: who may read what, filters, pages that skip nothing, and data that stays as it was stored. */
import { expect, test } from "vitest";
import {
  deliver,
  type EntryJson,
  getEntries,
  serviceToken,
  auditLogForEach,
  startAuditLog,
  taskData,
  userToken,
} from "../setup.ts";

const scene = auditLogForEach();

const ids = (entries: readonly EntryJson[]): string[] => entries.map(({ id }) => id);

test("a user reads only their own entries, an admin everybody's", async () => {
  await deliver(scene.log.url, { id: "mine", data: taskData("t1", "u1") });
  await deliver(scene.log.url, { id: "other", data: taskData("t2", "u2") });
  await deliver(scene.log.url, { id: "nobody", type: "custom", data: "{}" });
  const own = await userToken("u1");
  expect(ids((await getEntries(scene.log.url, {}, own)).page.entries)).toEqual(["mine"]);
  expect(ids((await getEntries(scene.log.url, { user_id: "u1" }, own)).page.entries)).toEqual([
    "mine",
  ]);
  expect((await getEntries(scene.log.url, { user_id: "u2" }, own)).status).toBe(403);
  expect(ids((await getEntries(scene.log.url)).page.entries)).toEqual(["mine", "other", "nobody"]);
  expect(ids((await getEntries(scene.log.url, { user_id: "u2" })).page.entries)).toEqual(["other"]);
});

test("no token, a wrong one and the gateway's are 401, before anything else is looked at", async () => {
  const bad = `${scene.log.url}/entries?limit=0`;
  for (const authorization of ["", "Bearer nonsense", `Bearer ${await serviceToken()}`]) {
    const response = await fetch(bad, { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(Object.keys((await response.json()) as object)).toEqual(["error"]);
  }
});

test("entries are found by task, user, type, source and time of recording", async () => {
  await deliver(scene.log.url, { id: "a", data: taskData("t1", "u1") });
  await deliver(scene.log.url, { id: "b", type: "task.completed", data: taskData("t1", "u2") });
  await deliver(scene.log.url, { id: "c", source: "/other", data: taskData("t2", "u2") });
  const found = async (query: Record<string, string>) =>
    ids((await getEntries(scene.log.url, query)).page.entries);
  expect(await found({ task_id: "t1" })).toEqual(["a", "b"]);
  expect(await found({ task_id: "t1", user_id: "u2" })).toEqual(["b"]);
  expect(await found({ type: "task.completed" })).toEqual(["b"]);
  expect(await found({ source: "/other" })).toEqual(["c"]);
  const [first, , last] = (await getEntries(scene.log.url)).page.entries;
  expect(await found({ to: first?.recorded_at ?? "" })).toEqual([]);
  expect(await found({ from: last?.recorded_at ?? "" })).toContain("c");
  expect(await found({ from: "2999-01-01T00:00:00+01:00" })).toEqual([]);
});

test.each([
  [{ limit: "0" }, "limit must be a whole number from 1 to 1000."],
  [{ limit: "1001" }, "limit must be"],
  [{ limit: "1e2" }, "limit must be"],
  [{ from: "yesterday" }, "from must be an RFC 3339 time"],
  [{ to: "2026-02-30T00:00:00Z" }, "to must be an RFC 3339 time"],
  [{ cursor: "AAAA" }, "cursor must be the next"],
  [{ user: "u1" }, "user is not known: ask by task_id, user_id"],
  [{ task_id: "" }, "task_id must be given once"],
])("a wrong query %j is 400 with a sentence", async (query, sentence) => {
  const { status, text } = await getEntries(scene.log.url, query);
  expect(status).toBe(400);
  expect((JSON.parse(text) as { error: string }).error).toContain(sentence);
});

test("pages read while two replicas record skip nothing and repeat nothing", async () => {
  await using second = await startAuditLog(scene.database.url);
  const total = 400;
  let isWriting = true;
  const write = async (url: string, first: number): Promise<void> => {
    for (let index = first; index < total; index += 20) {
      const batch = Array.from({ length: 10 }, (_, i) => deliver(url, { id: `e${index + i}` }));
      await Promise.all(batch);
    }
  };
  const written = Promise.all([write(scene.log.url, 0), write(second.url, 10)]).finally(() => {
    isWriting = false;
  });
  const seen: string[] = [];
  let cursor: string | undefined;
  let isLast = false;
  while (!isLast) {
    const mayEnd = !isWriting;
    const { page } = await getEntries(scene.log.url, { limit: "7", ...(cursor ? { cursor } : {}) });
    seen.push(...ids(page.entries));
    // The end of a page that is not full has no cursor: the reader asks again from where it was.
    if (page.next !== null) cursor = page.next;
    else if (mayEnd) isLast = true;
    else seen.splice(seen.length - page.entries.length);
  }
  await written;
  expect(new Set(seen).size).toBe(total);
  expect(seen).toHaveLength(total);
});

test("data is embedded byte for byte; what is no JSON, or too deep, comes as base64", async () => {
  const embedded = `{"task_id":"t1", "user_id":"u1",\n "payload":{"a":1e400,"b":1.0,"c":12345678901234567890,"d":"\\u0000\\ud800"}}`;
  const deep = `${"[".repeat(1500)}1${"]".repeat(1500)}`;
  await deliver(scene.log.url, { id: "raw", data: embedded });
  await deliver(scene.log.url, {
    id: "text",
    type: "custom",
    contentType: "text/plain",
    data: "hello",
  });
  await deliver(scene.log.url, { id: "deep", type: "custom", data: deep });
  await deliver(scene.log.url, {
    id: "latin",
    type: "custom",
    data: Buffer.from([0xff, 0xfe, 0x00]),
  });
  await deliver(scene.log.url, { id: "none", type: "custom", data: "" });
  const { text, page } = await getEntries(scene.log.url);
  expect(text).toContain(`"data":${embedded},"problem":null`);
  expect(page.entries.map(({ data, data_base64: base64 }) => [data === null, base64])).toEqual([
    [false, undefined],
    [true, Buffer.from("hello").toString("base64")],
    [true, Buffer.from(deep).toString("base64")],
    [true, "//4A"],
    [true, undefined],
  ]);
});

test("a page of large entries ends early and goes on with its cursor", async () => {
  const large = JSON.stringify({ text: "x".repeat(900_000) });
  for (let index = 0; index < 12; index++) {
    await deliver(scene.log.url, { id: `e${index}`, type: "custom", data: large });
  }
  const first = (await getEntries(scene.log.url)).page;
  expect(first.entries.length).toBeLessThan(12);
  const rest = (await getEntries(scene.log.url, { cursor: first.next ?? "" })).page;
  expect(ids([...first.entries, ...rest.entries])).toEqual(
    Array.from({ length: 12 }, (_, index) => `e${index}`),
  );
  expect(rest.next).toBeNull();
});
