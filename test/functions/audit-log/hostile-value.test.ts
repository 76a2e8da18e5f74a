/** Values that PostgreSQL, its indexes or JSON cannot hold: recorded all the same, and told as they came. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrations } from "../../../functions/audit-log/migrations.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { type Delivery, deliver, getEntries, startAuditLog } from "./setup.ts";

let database: TestDatabase;
let log: Awaited<ReturnType<typeof startAuditLog>>;

beforeAll(async () => {
  database = await startTestDatabase(migrations);
  log = await startAuditLog(database.url);
});
afterAll(async () => {
  await log[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const ids = (taskId: string, userId: string): string =>
  JSON.stringify({ task_id: taskId, user_id: userId });
/** Noise: what compresses well would fit an index after all. */
const noise = (length: number): string =>
  Array.from({ length }, (_, index) =>
    String.fromCharCode(33 + ((index * index * 31 + index) % 90)),
  ).join("");

const cases: [string, Delivery][] = [
  ["an id of 12 KB", { id: noise(12_000) }],
  ["a type and a source of 12 KB", { type: "x".repeat(12_000), source: `/${"y".repeat(12_000)}` }],
  ["task and user of 12 KB", { type: "custom", data: ids(noise(12_000), noise(12_001)) }],
  ["U+0000 in ids", { type: "custom", data: '{"task_id":"a\\u0000b","user_id":"\\u0000"}' }],
  ["lone surrogates in ids", { type: "custom", data: '{"task_id":"\\ud800","user_id":"\\udfff"}' }],
  ["a backslash that looks like an escape", { type: "custom", data: ids("a\\0b", "\\ud800") }],
  [
    "numbers that no double holds",
    { type: "custom", data: '{"n":1e400,"m":-1e-400,"o":1e200000}' },
  ],
  ["a name that is repeated", { type: "custom", data: '{"a":1,"a":2,"__proto__":{"x":1}}' }],
  ["an extension with quotes", { headers: { "ce-note": `"'\\;drop table entry--` } }],
  ["the year 9999", { headers: { "ce-time": "9999-12-31T23:59:59Z" } }],
  ["a leap second", { headers: { "ce-time": "2016-12-31T23:59:60Z" } }],
  [
    "bytes that are no text",
    { type: "custom", contentType: "image/png", data: Buffer.from([0, 1, 255]) },
  ],
  ["the largest offset", { partition: 2_147_483_647, offset: Number.MAX_SAFE_INTEGER - 1 }],
];

test.each(cases)("%s", async (name, given) => {
  const id = given.id ?? name.replaceAll(" ", "-");
  const statuses = await Promise.all([
    deliver(log.url, { ...given, id }),
    deliver(log.url, { id: `beside-${id.slice(0, 40)}` }),
  ]);
  expect(statuses).toEqual([204, 204]);
  const { page } = await getEntries(log.url, { limit: "1000" });
  const entry = page.entries.find((candidate) => candidate.id === id);
  expect(entry).toMatchObject({ type: given.type ?? "task.created" });
  if (typeof given.data === "string") {
    const { task_id: taskId = null, user_id: userId = null } = JSON.parse(given.data) as Record<
      string,
      string
    >;
    expect([entry?.task_id, entry?.user_id]).toEqual([taskId, userId]);
    if (taskId !== null) {
      const found = await getEntries(log.url, { task_id: taskId });
      // A query is UTF-8, which has no lone surrogates.
      if (taskId.isWellFormed()) expect(found.page.entries).toMatchObject([{ id }]);
    }
  }
});

test("whatever breaks the contract is an entry with the problem", async () => {
  expect(await deliver(log.url, { id: "bad-data", partition: 5, offset: 0, data: "[" })).toBe(204);
  const noId = await deliver(log.url, { id: "", partition: 5, offset: 1 });
  expect(noId).toBe(204);
  const { page } = await getEntries(log.url, { limit: "1000" });
  expect(page.entries.filter(({ partition }) => partition === 5)).toMatchObject([
    { problem: { code: "data_not_json" }, data: null, data_base64: "Ww==" },
    { problem: { code: "attribute_invalid" } },
  ]);
});

test("a partition that no column holds is refused alone", async () => {
  const statuses = await Promise.all([
    deliver(log.url, { id: "no-partition", partition: 2 ** 31, offset: 0 }),
    deliver(log.url, { id: "beside-no-partition", partition: 7, offset: 0 }),
  ]);
  expect(statuses).toEqual([422, 204]);
});
