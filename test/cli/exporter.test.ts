/** The exporter as a process: what the functions have still to do, told as the least of roles, and nothing told that is not known. */
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type Server } from "node:tls";
import type { AddressInfo } from "node:net";
import { X509Certificate } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { migrations as auditLog } from "../../functions/audit-log/migrations.ts";
import { migrations as notification } from "../../functions/notification/migrations.ts";
import { migrations as recurringTask } from "../../functions/recurring-task/migrations.ts";
import { type RunningKafka, startKafka } from "../../local/kafka/server.ts";
import { certificate } from "../functions/audit-log/schema/registry-server.ts";
import { run, start } from "../suite/cli/operator.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { startTestDatabase, type TestDatabase } from "../support/postgres.ts";

// Each starts a process, and some wait for more than one of its readings.
vi.setConfig({ testTimeout: 60_000 });

let folder: Folder;
let kafka: RunningKafka;
let database: TestDatabase;

const topics = [
  { name: "task-events", partitions: 2 },
  { name: "task-events-dead-letters", partitions: 2 },
];

beforeAll(async () => {
  folder = await makeFolder();
  kafka = await startKafka({ dataDir: folder.path, port: 0, topics });
  database = await startTestDatabase(auditLog, notification, recurringTask);
});
afterAll(async () => {
  await kafka[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function ask(sql: string, url = database.adminUrl): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Gives what it says at `path`, once it listens. */
async function startExporter(env: Record<string, string> = {}) {
  const { child, said } = start(["exporter"], {
    DATABASE_URL: database.urlOf("monitor"),
    KAFKA_BROKER: kafka.address,
    HOST: "127.0.0.1",
    METRICS_PORT: "0",
    INTERVAL_SECONDS: "1",
    ...env,
  });
  let out = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const url = await vi.waitFor(() => {
    const found = /"url":"([^"]+)"/.exec(out)?.[1];
    if (found === undefined) throw new Error(`the exporter does not listen: ${said()}`);
    return found;
  }, 30_000);
  const look = async (path = "/metrics") => {
    const response = await fetch(url + path);
    return { status: response.status, text: await response.text() };
  };
  return {
    look,
    log: () => out,
    /** Waits for a text that has all of them, and gives it. */
    until: (...lines: readonly string[]) =>
      vi.waitFor(async () => {
        const { text } = await look();
        expect(text.split("\n")).toEqual(expect.arrayContaining([...lines]));
        return text;
      }, 20_000),
    child,
  };
}

const up = (source: string, value: 0 | 1) => `task_events_exporter_up{source="${source}"} ${value}`;
const allUp = ["kafka", "audit-log", "notification", "recurring-task"].map((it) => up(it, 1));

it("tells what each function has still to do", async () => {
  await ask(`
    insert into notification.inbox (event_key, source, id, type, user_id, content_hash, content)
      values ('\\x01', '/s', 'e1', 'task.created', 'u1', '', '{}');
    insert into notification.notifications (event_key, user_id, channel, state, due_at, created_at) values
      ('\\x01', 'u1', 'email', 'pending', now() - interval '90 s', now() - interval '2 h'),
      ('\\x01', 'u2', 'email', 'pending', now() + interval '1 h', now() - interval '3 h'),
      ('\\x01', 'u3', 'email', 'sent', now() - interval '1 h', now() - interval '9 h'),
      ('\\x01', 'u4', 'sms', 'failed', now(), now() - interval '1 d');
    insert into recurring.series (task_id, user_id, state, fields, has_all_fields, next_occurrence_at, updated_at) values
      ('t1', 'u1', 'active', '{}', true, now() - interval '10 minutes', now()),
      ('t2', 'u1', 'active', '{}', true, now() + interval '10 minutes', now());
    insert into recurring.outbox (event_id, task_id, occurrence_at, event, size, next_attempt_at, refused) values
      ('a', 't1', now() - interval '1 h', '{}', 2, now(), null),
      ('b', 't1', now() - interval '1 d', '{}', 2, now(), 'the Broker refused it');
    insert into audit.generation (generation, topic, begins, reason) values ('g', 'task-events', '{2,0,0}', 'made');
    update audit.log_end set generation = 'g';
    insert into audit.coverage (generation, partition, offsets) values
      ('g', 0, '{[2,5),[7,9)}'), ('g', 1, '{[3,4)}');`);
  const { until, look, child } = await startExporter();
  const text = await until(
    ...allUp,
    'notification_due{channel="email"} 1',
    'notification_due{channel="sms"} 0',
    'notification_pending{channel="email"} 2',
    'notification_failed_last_hour{channel="email"} 0',
    'notification_failed_last_hour{channel="sms"} 1',
    'notification_oldest_due_seconds{channel="sms"} 0',
    "task_events_due_series 1",
    "task_events_outbox_events 2",
    "task_events_outbox_refused_events 1",
    'task_events_audit_hole_offsets{partition="0"} 2',
    'task_events_audit_hole_offsets{partition="1"} 3',
    'task_events_audit_hole_offsets{partition="2"} 0',
    "task_events_audit_generation 1",
    'task_events_consumer_members{group="audit-log"} 0',
    "task_events_dead_letters_waiting 0",
  );
  const valueOf = (series: string) => Number(text.split(`\n${series} `)[1]?.split("\n")[0]);
  expect(valueOf('notification_oldest_due_seconds{channel="email"}')).toBeCloseTo(90, -2);
  expect(valueOf('notification_oldest_pending_seconds{channel="email"}')).toBeCloseTo(10_800, -2);
  // The oldest that is not refused.
  expect(valueOf("task_events_schedule_lag_seconds")).toBeCloseTo(3_600, -2);
  expect((await look("/health/readiness")).status).toBe(200);
  expect((await look("/health/liveness")).status).toBe(200);
  child.kill("SIGTERM");
  expect((await once(child, "exit"))[0]).toBe(0);
});

it("tells nothing of a database that is away, goes on telling the rest, and comes back", async () => {
  const { until, log, look } = await startExporter();
  await until(...allUp);
  const outage = await database.outage();
  const away = await until(up("notification", 0), up("audit-log", 0), up("recurring-task", 0));
  expect(away).not.toMatch(/^(notification_|task_events_(audit|schedule|due|outbox))/m);
  expect(away).toContain("task_events_consumer_lag_records{");
  expect((await look("/health/readiness")).status).toBe(200);
  await outage[Symbol.asyncDispose]();
  await until(...allUp);
  expect(log()).toMatch(/"source":"notification".*its figures are gone/);
  expect(log()).toMatch(/"source":"notification".*can be read again/);
});

it("tells nothing of a Kafka that is away, and says why", async () => {
  const { until, log } = await startExporter({ KAFKA_BROKER: "127.0.0.1:1" });
  const text = await until(up("kafka", 0), ...allUp.slice(1));
  expect(text).not.toMatch(/^task_events_(consumer|topic|dead)/m);
  expect(log()).toMatch(/Kafka at 127.0.0.1:1 .*cannot be reached/);
});

it("may read the figures and nothing else", async () => {
  const monitor = database.urlOf("monitor");
  for (const table of ["notification.inbox", "recurring.series", "audit.entry"]) {
    await expect(ask(`select from ${table}`, monitor)).rejects.toThrow(/permission denied/);
  }
  await ask("select from notification.backlog", monitor);
});

it("tells until when a server's certificate is valid", async () => {
  const pem = readFileSync(certificate, "utf8");
  const server: Server = createServer({ cert: pem, key: pem }, (socket) => socket.end());
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { until } = await startExporter({ CERTIFICATES: address });
  const seconds = new X509Certificate(pem).validToDate.getTime() / 1_000;
  await until(
    up("certificates", 1),
    `task_events_certificate_expires_timestamp_seconds{address="${address}"} ${seconds}`,
  );
});

it("says in sentences what it lacks", async () => {
  const { code, err } = await run(["exporter"], { CERTIFICATES: "example.com" });
  expect(code).toBe(2);
  expect(err).toMatch(/DATABASE_URL is not set: the connection of the role monitor\./);
  expect(err).toMatch(/KAFKA_BROKER is not set/);
  expect(err).toMatch(/CERTIFICATES has "example.com": write host:port/);
  expect(err).not.toMatch(/ at .*\.ts/);
});
