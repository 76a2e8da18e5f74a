/** Partitions by month: kept a year ahead, and made afterwards for what was recorded without one. */
import { sql } from "kysely";
import { Pool } from "pg";
import pino from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAuditMetrics } from "../../../functions/audit-log/metric.ts";
import { migrations } from "../../../functions/audit-log/migrations.ts";
import { keepMonthsAhead } from "../../../functions/audit-log/month-partition.ts";
import { openRecorder } from "../../../functions/audit-log/record/recorder.ts";
import { type AuditStore, openAuditStore } from "../../../functions/audit-log/store.ts";
import { fromHttp } from "../../../lib/events/http.ts";
import type { Event } from "../../../lib/events/event.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";

let database: TestDatabase;
let runtime: AuditStore;
let owner: AuditStore;
const quiet = pino({ level: "silent" });

beforeEach(async () => {
  database = await startTestDatabase(migrations);
  runtime = openAuditStore(database.url, quiet);
  owner = openAuditStore(database.ownerUrl, quiet);
});
afterEach(async () => {
  await runtime[Symbol.asyncDispose]();
  await owner[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function event(id: string): Event {
  const headers = { "ce-specversion": "1.0", "ce-id": id, "ce-source": "/a", "ce-type": "custom" };
  const result = fromHttp({ headers, body: Buffer.alloc(0), receivedAt: new Date() });
  const [only] = "events" in result ? result.events : [];
  if (only === undefined) throw new Error("no event");
  return only;
}

async function record(at: string, ...ids: string[]): Promise<void> {
  const metrics = openAuditMetrics(new Registry());
  const now = () => new Date(at);
  const recorder = openRecorder({ store: runtime, topic: "t", log: quiet, metrics, now });
  await Promise.all(ids.map((id) => recorder.record(event(id))));
}

/** Each entry's partition and id, in the order of recording. */
async function placed(): Promise<string[]> {
  const { rows } = await sql<{ place: string }>`
    select tableoid::regclass::text || ' ' || id as place from entry order by recorded_at, sequence`.execute(
    owner.reader,
  );
  return rows.map(({ place }) => place);
}

test("thirteen months are made once, and a month later one more", async () => {
  const december = await keepMonthsAhead(owner.writer(), new Date("2026-12-31T23:59:59.999Z"));
  expect(december).toHaveLength(13);
  expect([december[0], december[12]]).toEqual(["entry_2026_12", "entry_2027_12"]);
  expect(await keepMonthsAhead(owner.writer(), new Date("2026-12-31T23:59:59.999Z"))).toEqual([]);
  expect(await keepMonthsAhead(owner.writer(), new Date("2027-01-01T00:00:00Z"))).toEqual([
    "entry_2028_01",
  ]);
});

test("entries on both sides of a month's end are in their months, in order", async () => {
  await keepMonthsAhead(owner.writer(), new Date("2026-12-01T00:00:00Z"));
  await record("2026-12-31T23:59:59.999Z", "last");
  await record("2027-01-01T00:00:00.000Z", "first");
  expect(await placed()).toEqual(["entry_2026_12 last", "entry_2027_01 first"]);
});

test("what was recorded without a month's partition moves into it, and nothing is in the way of making it", async () => {
  await record("2026-12-31T23:59:59.999Z", "a", "b");
  await record("2027-01-15T00:00:00Z", "c");
  expect(await placed()).toEqual(["entry_default a", "entry_default b", "entry_default c"]);
  await keepMonthsAhead(owner.writer(), new Date("2027-02-01T00:00:00Z"));
  expect(await placed()).toEqual(["entry_2026_12 a", "entry_2026_12 b", "entry_2027_01 c"]);
  await record("2027-02-01T00:00:00Z", "d");
  await record("2029-01-01T00:00:00Z", "e");
  expect((await placed()).slice(3)).toEqual(["entry_2027_02 d", "entry_default e"]);
  const pool = new Pool({ connectionString: database.ownerUrl });
  for (const table of ["entry_2026_12", "entry_default"]) {
    await expect(pool.query(`truncate audit.${table}`)).rejects.toThrow(/append-only/);
    await expect(pool.query(`delete from audit.${table}`)).rejects.toThrow(/append-only/);
  }
  await pool.end();
});

test("months are made while events are being recorded, without a deadlock", async () => {
  await record("2026-12-31T00:00:00Z", "before");
  const recording = Promise.all(
    Array.from({ length: 10 }, (_, index) => record("2026-12-31T00:00:00Z", `e${index}`)),
  );
  await keepMonthsAhead(owner.writer(), new Date("2026-12-31T00:00:00Z"));
  await recording;
  expect(await placed()).toHaveLength(11);
});

test("a clock that is set back does not put an entry before one that was read", async () => {
  await record("2026-12-31T00:00:00Z", "first");
  await record("2026-12-30T00:00:00Z", "second");
  expect(await placed()).toEqual(["entry_default first", "entry_default second"]);
});
