/** The one call that records a batch: what another replica, a crash or a known event in it can do to it. */
import pino from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sql } from "kysely";
import { lockLogEnd } from "../../../../functions/audit-log/coverage/generation.ts";
import { openAuditMetrics } from "../../../../functions/audit-log/metric.ts";
import { migrations } from "../../../../functions/audit-log/migrations.ts";
import { toArrival } from "../../../../functions/audit-log/record/arrival.ts";
import { recordEntries } from "../../../../functions/audit-log/record/record-entries.ts";
import { openRecorder, type Recorder } from "../../../../functions/audit-log/record/recorder.ts";
import { type AuditStore, openAuditStore } from "../../../../functions/audit-log/store.ts";
import type { Event } from "../../../../lib/events/event.ts";
import { fromHttp } from "../../../../lib/events/http.ts";
import { migrate } from "../../../../lib/store/migrate.ts";
import { startTestDatabase, type TestDatabase } from "../../../support/postgres.ts";

const quiet = pino({ level: "silent" });
let database: TestDatabase;
/** Another replica, and the one that records. */
let other: AuditStore;
let store: AuditStore;
let admin: AuditStore;
let recorder: Recorder;

async function open(of = migrations): Promise<void> {
  database = await startTestDatabase(of);
  other = openAuditStore(database.url, quiet);
  store = openAuditStore(database.url, quiet);
  admin = openAuditStore(database.adminUrl, quiet);
  const metrics = openAuditMetrics(new Registry());
  recorder = openRecorder({ store, topic: "t", log: quiet, metrics });
}

async function close(): Promise<void> {
  for (const each of [other, store, admin]) await each[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
}

beforeEach(() => open());
afterEach(close);

function event(id: string, offset: number): Event {
  const headers = {
    "ce-specversion": "1.0",
    "ce-id": id,
    "ce-source": "/a",
    "ce-type": "custom",
    "ce-knativekafkapartition": "0",
    "ce-knativekafkaoffset": String(offset),
  };
  const result = fromHttp({ headers, body: Buffer.from("{}"), receivedAt: new Date() });
  const [only] = "events" in result ? result.events : [];
  if (only === undefined) throw new Error("no event");
  return only;
}

/** `["1 a", "2 b"]`: what an entry a sequence, with no gap, looks like. */
async function entries(): Promise<string[]> {
  const { rows } = await sql<{ place: string }>`
    select sequence || ' ' || id as place from entry order by recorded_at, sequence`.execute(
    other.reader,
  );
  return rows.map(({ place }) => place);
}

/** All that must agree with the entries. */
async function books(): Promise<Record<string, unknown> | undefined> {
  const { rows } = await sql<Record<string, unknown>>`
    select (select sequence from log_end) as "end", (select count(*) from entry_key) as keys,
      (select count(*) from duplicate) as duplicates, (select string_agg(offsets::text, ' ') from coverage) as covered`.execute(
    other.reader,
  );
  return rows[0];
}

const waitingCalls = sql`from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%record_entries%'`;

async function untilOneWaits(): Promise<void> {
  await expect
    .poll(async () => (await sql`select ${waitingCalls}`.execute(admin.reader)).rows)
    .toHaveLength(1);
}

const breakWaiting = () =>
  sql`select pg_terminate_backend(pid) ${waitingCalls}`.execute(admin.reader);

/** The other replica takes the end of the log, the recorder waits for it, and then the other one commits `its` event. */
async function recordBehind(its: Event, ours: Event): Promise<string> {
  await recorder.record(event("first", 0));
  const recording = await other
    .writer()
    .transaction()
    .execute(async (trx) => {
      await lockLogEnd(trx);
      const waiting = recorder.record(ours);
      await untilOneWaits();
      const coverage = new Map([[0, [{ first: 1, end: 2 }]]]);
      await recordEntries(trx, [toArrival(its)], { isSifted: true, now: undefined, coverage });
      return { waiting };
    });
  return recording.waiting;
}

test("a replica that waited for the end of the log sees what the one before it has recorded", async () => {
  expect(await recordBehind(event("a", 1), event("a", 1))).toBe("duplicate");
  expect(await entries()).toEqual(["1 first", "2 a"]);
  expect(await books()).toEqual({ end: 2, keys: 2, duplicates: 0, covered: "{[0,2)}" });
});

test("a replica that waited goes on at the sequence where the one before it ended", async () => {
  expect(await recordBehind(event("a", 1), event("b", 2))).toBe("done");
  expect(await entries()).toEqual(["1 first", "2 a", "3 b"]);
  expect(await books()).toEqual({ end: 3, keys: 3, duplicates: 0, covered: "{[0,3)}" });
});

test("where PostgreSQL serializes transactions by refusing one, the batch is committed again", async () => {
  await sql`alter role audit in database ${sql.id(database.name)}
    set default_transaction_isolation = 'repeatable read'`.execute(admin.writer());
  expect(await recordBehind(event("a", 1), event("a", 1))).toBe("duplicate");
  expect(await entries()).toEqual(["1 first", "2 a"]);
});

test("a connection that breaks between the statements of a call leaves nothing of it, and the batch is committed again", async () => {
  await recorder.record(event("first", 0));
  let recording: Promise<unknown> | undefined;
  await admin
    .writer()
    .transaction()
    .execute(async (trx) => {
      // Keys and entries are written by then.
      await sql`lock table audit.coverage in exclusive mode`.execute(trx);
      recording = Promise.all([recorder.record(event("a", 1)), recorder.record(event("b", 2))]);
      await untilOneWaits();
      await breakWaiting();
      await untilOneWaits();
      expect(await entries()).toEqual(["1 first"]);
    });
  expect(await recording).toEqual(["done", "done"]);
  expect(await entries()).toEqual(["1 first", "2 a", "3 b"]);
  expect(await books()).toEqual({ end: 3, keys: 3, duplicates: 0, covered: "{[0,3)}" });
});

test("what is known among a batch and what comes twice in it leave no gap and take nothing from the others", async () => {
  await recorder.record(event("known", 0));
  const outcomes = await Promise.all(
    [
      event("a", 1),
      event("known", 0),
      event("twice", 2),
      event("twice", 3),
      event("known", 4),
      event("b", 5),
    ].map((one) => recorder.record(one)),
  );
  expect(outcomes).toEqual(["done", "duplicate", "done", "duplicate", "duplicate", "done"]);
  expect(await entries()).toEqual(["1 known", "2 a", "3 twice", "4 b"]);
  expect(await books()).toEqual({ end: 4, keys: 4, duplicates: 2, covered: "{[0,6)}" });
});

test("a log that an earlier version has written goes on: what it recorded is known, and its sequence continues", async () => {
  await close();
  const { schema, steps } = migrations;
  const before = Object.entries(steps).filter(([name]) => name < "0005");
  await open({ schema, steps: Object.fromEntries(before) });
  const { key, content } = toArrival(event("old", 0));
  await sql`
    with g as (insert into generation (generation, topic, begins, reason) values ('g', 't', '{}', 'made')),
      k as (insert into entry_key (key, recorded_at, sequence, content, generation, partition, "offset")
        values (${key}, now(), 1, ${content}, 'g', 0, 0)),
      e as (insert into entry (recorded_at, sequence, key, source, id, type, extensions, data, data_is_json,
          generation, partition, "offset", received_at)
        values (now(), 1, ${key}, '/a', 'old', 'custom', '{}', '{}', true, 'g', 0, 0, now())),
      c as (insert into coverage values ('g', 0, '{[0,1)}'))
    update log_end set generation = 'g', recorded_at = now(), sequence = 1`.execute(other.writer());
  expect(await migrate(migrations, { DATABASE_URL: database.ownerUrl })).toEqual([
    "0005-record-entries",
  ]);
  expect(await recorder.record(event("old", 0))).toBe("duplicate");
  expect(await recorder.record(event("new", 1))).toBe("done");
  expect(await entries()).toEqual(["1 old", "2 new"]);
  expect(await books()).toEqual({ end: 2, keys: 2, duplicates: 0, covered: "{[0,2)}" });
});

test("only the function may call it, with no more rights than it has", async () => {
  const { rows } = await sql`
    select prosecdef as elevated, has_function_privilege('audit', oid, 'execute') as audit,
      has_function_privilege('monitor', oid, 'execute') as monitor
    from pg_proc where proname = 'record_entries'`.execute(admin.reader);
  expect(rows).toEqual([{ elevated: false, audit: true, monitor: false }]);
});
