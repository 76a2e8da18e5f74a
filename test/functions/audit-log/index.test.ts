/** The audit log from outside: what is delivered becomes one entry, whatever happens on the way. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrations } from "../../../functions/audit-log/migrations.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { deliver, getEntries, startAuditLog, taskData } from "./setup.ts";

let database: TestDatabase;
let log: Awaited<ReturnType<typeof startAuditLog>>;

beforeEach(async () => {
  database = await startTestDatabase(migrations);
  log = await startAuditLog(database.url);
});
afterEach(async () => {
  await log[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test("an event becomes one entry with its place and its data as it came", async () => {
  expect(await deliver(log.url, { partition: 3, offset: 7 })).toBe(204);
  const { status, page } = await getEntries(log.url);
  expect(status).toBe(200);
  expect(page.next).toBeNull();
  expect(page.entries).toMatchObject([
    {
      source: "/task-app",
      id: "e1",
      type: "task.created",
      task_id: "t1",
      user_id: "u1",
      partition: 3,
      offset: 7,
      data: JSON.parse(taskData()) as unknown,
      problem: null,
    },
  ]);
});
