/** The audit log from outside: what is delivered becomes one entry, whatever happens on the way. */
import { Client } from "pg";
import { expect, test, vi } from "vitest";
import { startCommitCutter } from "./commit-cutter.ts";
import {
  deliver,
  getEntries,
  getGeneration,
  auditLogForEach,
  startAuditLog,
  taskData,
} from "./setup.ts";

const scene = auditLogForEach();

async function query(
  text: string,
  url = scene.database.adminUrl,
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const duplicates = () =>
  query(`select partition, "offset", differs from audit.duplicate order by 2`);
const metrics = async () => (await fetch(scene.log.metricsUrl)).text();

test("an event becomes one entry with its place and its data as it came", async () => {
  expect(await deliver(scene.log.url, { partition: 3, offset: 7 })).toBe(204);
  const { status, page } = await getEntries(scene.log.url);
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

test("a redelivery changes and notes nothing, a second record is noted, a different one is a warning", async () => {
  for (const offset of [0, 0, 4, 4]) {
    expect(await deliver(scene.log.url, { partition: 1, offset })).toBe(204);
  }
  const other = { partition: 1, offset: 6, data: taskData("t1", "u2") };
  expect(await deliver(scene.log.url, other)).toBe(204);
  expect(await duplicates()).toEqual([
    { partition: 1, offset: 4, differs: false },
    { partition: 1, offset: 6, differs: true },
  ]);
  const { page } = await getEntries(scene.log.url);
  expect(page.entries).toMatchObject([{ user_id: "u1", offset: 0 }]);
  expect(scene.log.lines.filter(({ level }) => level === "warn")).toMatchObject([
    { event_id: "e1", offset: 6 },
  ]);
  const text = await metrics();
  expect(text).toMatch(/task_events_audit_duplicates_total\{content="different",[^}]*\} 1/);
  expect(text).toMatch(/task_events_audit_redeliveries_total\{[^}]*\} 2/);
});

test("source and id are kept apart: the same characters cut elsewhere are another event", async () => {
  await deliver(scene.log.url, { source: "/a", id: "b/c" });
  await deliver(scene.log.url, { source: "/a/b", id: "/c" });
  await deliver(scene.log.url, { source: "/a/b", id: "c" });
  expect((await getEntries(scene.log.url)).page.entries).toHaveLength(3);
});

test.each([
  ["of the one call", "record_entries", { id: "cut", offset: 1 }, ["before", "cut"]],
  ["of a batch that was sifted", "commit", { id: "before", offset: 1 }, ["before"]],
])(
  "a connection cut after the COMMIT %s and before its answer leaves one entry, and the delivery is answered",
  async (_, text, delivery, ids) => {
    await using cutter = await startCommitCutter(scene.database.url);
    // Its first statement of a kind goes over the wire as a text.
    await using behind = await startAuditLog(cutter.url);
    expect(await deliver(scene.log.url, { id: "before", partition: 0, offset: 0 })).toBe(204);
    cutter.cutNext(text);
    expect(await deliver(behind.url, { ...delivery, partition: 0 })).toBe(204);
    expect(cutter.cuts()).toBe(1);
    const { page } = await getEntries(scene.log.url);
    expect(page.entries.map(({ id }) => id)).toEqual(ids);
    expect(await duplicates()).toHaveLength(ids.includes("cut") ? 0 : 1);
    expect((await getGeneration(scene.log.url)).covered).toEqual([2]);
  },
);

test("two replicas that get the same records in other orders neither deadlock nor record one twice", async () => {
  await using second = await startAuditLog(scene.database.url);
  const offsets = Array.from({ length: 150 }, (_, offset) => offset);
  const send = (url: string) => (offset: number) =>
    deliver(url, { id: `e${offset}`, partition: offset % 3, offset: Math.floor(offset / 3) });
  const statuses = await Promise.all([
    ...offsets.map(send(scene.log.url)),
    ...offsets.toReversed().map(send(second.url)),
  ]);
  expect(new Set(statuses)).toEqual(new Set([204]));
  expect(
    await query("select count(*)::int as n, max(sequence)::int as last from audit.entry"),
  ).toEqual([{ n: 150, last: 150 }]);
  expect(await duplicates()).toEqual([]);
  expect((await getGeneration(scene.log.url)).covered).toEqual([50, 50, 50]);
});

test("a row that PostgreSQL refuses goes to the dead letters alone; those that shared its commit are recorded", async () => {
  await query("alter table audit.entry add check (id <> 'poison')", scene.database.ownerUrl);
  const ids = Array.from({ length: 40 }, (_, index) => (index === 17 ? "poison" : `e${index}`));
  const statuses = await Promise.all(
    ids.map((id, offset) => deliver(scene.log.url, { id, partition: 0, offset })),
  );
  expect(
    statuses.map((status, index) => (status === 204 ? "" : `${index}:${status}`)).join(""),
  ).toBe("17:422");
  expect((await getEntries(scene.log.url)).page.entries).toHaveLength(39);
  expect((await getGeneration(scene.log.url)).covered).toEqual([17]);
});

test("without the database deliveries are answered 503 and the function is not ready; with it all is well again", async () => {
  const readiness = async () => (await fetch(`${scene.log.url}/health/readiness`)).status;
  await deliver(scene.log.url, { id: "before" });
  {
    await using _outage = await scene.database.outage();
    expect(await deliver(scene.log.url, { id: "during" })).toBe(503);
    expect(await readiness()).toBe(503);
    expect((await getEntries(scene.log.url)).status).toBe(503);
    expect((await fetch(`${scene.log.url}/health/liveness`)).status).toBe(200);
    expect(await metrics()).toContain("task_events_audit_commit_retries_total");
  }
  await vi.waitFor(async () => expect(await readiness()).toBe(200));
  expect(await deliver(scene.log.url, { id: "during" })).toBe(204);
  expect((await getEntries(scene.log.url)).page.entries.map(({ id }) => id)).toEqual([
    "before",
    "during",
  ]);
});

test("no role changes or empties what is recorded, and coverage never shrinks", async () => {
  await deliver(scene.log.url, { partition: 0, offset: 0 });
  await deliver(scene.log.url, { partition: 0, offset: 1 });
  for (const url of [scene.database.url, scene.database.ownerUrl]) {
    for (const table of ["entry", "entry_default", "entry_key", "duplicate", "generation"]) {
      await expect(query(`delete from audit.${table}`, url)).rejects.toThrow(/denied|append-only/);
      await expect(query(`truncate audit.${table} cascade`, url)).rejects.toThrow(
        /denied|append-only/,
      );
    }
    await expect(query("update audit.entry set id = 'x'", url)).rejects.toThrow(
      /denied|append-only/,
    );
    await expect(query("update audit.coverage set offsets = '{[0,1)}'", url)).rejects.toThrow(
      /only grows/,
    );
    await expect(query("delete from audit.coverage", url)).rejects.toThrow(/denied|append-only/);
  }
  await expect(query("create table audit.mine ()", scene.database.url)).rejects.toThrow(/denied/);
});
