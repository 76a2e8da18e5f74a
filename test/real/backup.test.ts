/** A database is lost and comes back: the backup's own scripts, on a real PostgreSQL, with the audit log's proof that nothing is missing. */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrateAuditLog } from "../../functions/audit-log/migrate.ts";
import { openAuditStore } from "../../functions/audit-log/store.ts";
import { makeTopics } from "../../functions/audit-log/topic/make-topics.ts";
import { verify } from "../../functions/audit-log/verify.ts";
import { migrations as notification } from "../../functions/notification/migrations.ts";
import { migrations as recurringTask } from "../../functions/recurring-task/migrations.ts";
import { openKafka } from "../../lib/kafka/client.ts";
import { migrate } from "../../lib/store/migrate.ts";
import { type RunningKafka, startKafka } from "../../local/kafka/server.ts";
import { type RealPostgres, startRealPostgres } from "../../local/real/postgres.ts";
import {
  deliver,
  getEntries,
  getGeneration,
  startAuditLog,
  taskData,
  topic,
} from "../functions/audit-log/setup.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { lacks } from "../support/real.ts";

const ROLES = "knative/component/database-roles/roles.sh";
const BACKUP = "knative/component/backup/backup.sh";
const RESTORE = "knative/component/backup/restore.sh";
const quiet = pino({ level: "silent" });

describe.skipIf(lacks("postgres"))("backup and restore", () => {
  let folder: Folder;
  let postgres: RealPostgres;
  let broker: RunningKafka;

  const urlOf = (role: string): string => {
    const url = new URL(postgres.url);
    url.username = role;
    url.password = `${role}-password`;
    return url.href;
  };
  const dumps = () => readdirSync(folder.path).filter((name) => name.endsWith(".dump"));

  async function run(script: string, args: string[], env: Record<string, string>): Promise<string> {
    const child = promisify(execFile)("sh", [script, ...args], {
      env: { PATH: process.env["PATH"] ?? "", BACKUP_DIR: folder.path, ...env },
    });
    // Rejects with what the script wrote.
    return await child.then(
      ({ stdout }) => stdout,
      (error: unknown) => {
        throw new Error((error as { stderr: string }).stderr, { cause: error });
      },
    );
  }
  const backUp = () => run(BACKUP, [], { DATABASE_URL: urlOf("backup"), KEEP: "1" });
  const restore = (dump: string, over = "no") =>
    run(RESTORE, [join(folder.path, dump)], { ADMIN_URL: postgres.url, RESTORE_OVER: over });

  async function ask(sql: string, url = postgres.url): Promise<unknown[]> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async function makeRoles(): Promise<void> {
    const passwords = join(folder.path, "password");
    mkdirSync(passwords, { recursive: true });
    for (const schema of ["audit", "notification", "recurring"]) {
      for (const role of [schema, `${schema}_owner`, "backup", "monitor"]) {
        writeFileSync(join(passwords, role), `${role}-password`);
      }
    }
    await run(ROLES, [], { ADMIN_URL: postgres.url, PASSWORD_DIR: passwords });
  }

  const kafkaOf = (clientId: string) => openKafka({ brokers: broker.address, clientId });

  async function produce(id: string, offset: number): Promise<void> {
    const producer = kafkaOf("test").producer();
    await producer.connect();
    const headers = {
      ce_specversion: "1.0",
      ce_id: id,
      ce_source: "/task-app",
      ce_type: "task.created",
      "content-type": "application/json",
    };
    const sent = await producer.send({
      topic,
      messages: [{ value: taskData(), headers, partition: 0 }],
    });
    expect(sent[0]?.baseOffset).toBe(String(offset));
    await producer.disconnect();
  }

  const runVerify = () =>
    verify({
      databaseUrl: urlOf("audit"),
      maintenanceUrl: urlOf("audit_owner"),
      kafka: { brokers: broker.address },
      topic,
      log: quiet,
      stallMs: 5_000,
    });

  beforeAll(async () => {
    folder = await makeFolder();
    postgres = await startRealPostgres({
      dataDir: join(folder.path, "postgres"),
      password: "postgres-password",
      database: "task_events",
    });
    broker = await startKafka({ dataDir: join(folder.path, "kafka"), port: 0 });
    await makeRoles();
    await migrateAuditLog(urlOf("audit_owner"), new Date());
    await migrate(notification, { DATABASE_URL: urlOf("notification_owner") });
    await migrate(recurringTask, { DATABASE_URL: urlOf("recurring_owner") });
    await using store = openAuditStore(urlOf("audit"), quiet);
    await makeTopics({
      kafka: kafkaOf("topics"),
      db: store.writer(),
      topics: [topic],
      partitions: 1,
      replicationFactor: 1,
      log: quiet,
    });
  });
  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test("the roles can be made again, and each sees its own schema alone", async () => {
    await makeRoles();
    await expect(ask("select from audit.entry", urlOf("notification"))).rejects.toThrow(
      /permission denied for schema audit/,
    );
    await expect(ask("create table mine ()", urlOf("audit"))).rejects.toThrow(/permission denied/);
    await expect(ask("delete from audit.entry", urlOf("audit"))).rejects.toThrow(
      /permission denied/,
    );
    await expect(ask("create table audit.mine ()", urlOf("backup"))).rejects.toThrow(
      /permission denied/,
    );
    expect(await ask("select partition from audit.backlog", urlOf("monitor"))).toHaveLength(1);
    await expect(ask("select from audit.entry", urlOf("monitor"))).rejects.toThrow(
      /permission denied/,
    );
  });

  test("after a backup, a loss and a restore, verify fills what came later and calls the log complete", async () => {
    await using log = await startAuditLog(urlOf("audit"));
    for (const [offset, id] of ["a", "b", "c"].entries()) {
      await produce(id, offset);
      expect(await deliver(log.url, { id, partition: 0, offset })).toBe(204);
    }
    const before = await getGeneration(log.url);
    expect(before.covered).toEqual([3]);
    await backUp();
    await produce("later", 3);
    expect(await deliver(log.url, { id: "later", partition: 0, offset: 3 })).toBe(204);

    await ask("drop schema audit, notification, recurring cascade");
    await restore(dumps()[0] ?? "");

    expect(await getGeneration(log.url)).toEqual(before);
    expect(await runVerify()).toMatchObject({ missing: 1, recorded: 1, lost: 0, alarm: null });
    expect(await runVerify()).toMatchObject({ missing: 0 });
    expect((await getGeneration(log.url)).covered).toEqual([4]);
    const { page } = await getEntries(log.url);
    expect(page.entries.map(({ id }) => id).sort()).toEqual(["a", "b", "c", "later"]);
    // The guards of the log came back with it.
    await expect(ask("truncate audit.entry", urlOf("audit_owner"))).rejects.toThrow(/append-only/);
    await expect(ask("delete from audit.entry", urlOf("audit"))).rejects.toThrow(
      /permission denied/,
    );
    expect(await migrate(notification, { DATABASE_URL: urlOf("notification_owner") })).toEqual([]);
  });

  test("a database with data is not overwritten unless asked", async () => {
    await expect(restore(dumps()[0] ?? "")).rejects.toThrow(/tables already/);
    await restore(dumps()[0] ?? "", "yes");
    expect(await runVerify()).toMatchObject({ missing: 1, recorded: 1 });
  });

  test("a damaged dump is refused, and one that breaks half way changes nothing", async () => {
    const dump = dumps()[0] ?? "";
    await appendFile(join(folder.path, dump), "x");
    await expect(restore(dump, "yes")).rejects.toThrow(/checksum differs/);
    writeFileSync(join(folder.path, "short.dump"), "PGDMP");
    const sum = await promisify(execFile)("sha256sum", ["short.dump"], { cwd: folder.path });
    writeFileSync(join(folder.path, "short.dump.sha256"), sum.stdout);
    await expect(restore("short.dump", "yes")).rejects.toThrow(/nothing was changed/);
    expect(await runVerify()).toMatchObject({ missing: 0 });
  });

  test("the newest are kept, a failed run leaves nothing behind", async () => {
    await backUp();
    const [kept] = dumps().filter((name) => name.startsWith("task-events-"));
    expect(dumps().filter((name) => name.startsWith("task-events-"))).toHaveLength(1);
    await expect(run(BACKUP, [], { DATABASE_URL: urlOf("audit"), KEEP: "1" })).rejects.toThrow(
      /permission denied/,
    );
    expect(dumps()).toContain(kept);
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});
