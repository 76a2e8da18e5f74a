/** As many deliveries at once as a Service lets in are all taken in time, and all functions at their largest leave PostgreSQL room. */
import { join } from "node:path";
import { SignJWT } from "jose";
import { Client } from "pg";
import { expect, it, onTestFinished } from "vitest";
import { migrations as auditMigrations } from "../../functions/audit-log/migrations.ts";
import { migrations as notificationMigrations } from "../../functions/notification/migrations.ts";
import { migrations as recurringMigrations } from "../../functions/recurring-task/migrations.ts";
import type { Migrations } from "../../lib/store/migrate.ts";
import { startFunctionProcess } from "../../local/process/replica/function-process.ts";
import { at, isKnativeService, readBase, ROOT, textAt } from "../cluster/resource.ts";
import { makeFolder } from "../support/folder.ts";
import { startTestDatabase } from "../support/postgres.ts";

const secret = "a secret of at least thirty-two bytes";
const env = {
  KAFKA_TOPIC: "task-events",
  JWT_SECRET: secret,
  SERVICE_TOKEN_KEY: "the key that the gateway and the log share",
  SMTP_URL: "smtp://127.0.0.1:1",
  SMTP_FROM: "no-reply@task-events.example",
  SMS_URL: "http://account:secret@127.0.0.1:1",
  SMS_FROM: "+15550100000",
  BROKER_URL: "http://127.0.0.1:1/",
};

/** PostgreSQL's own default, without the three that it keeps for superusers. */
const CONNECTIONS = 97;
/** Jobs: a migration of each function has 2, verify 3, topics, backup and the exporter 2 each. */
const OTHERS = 15;

const specOf = (name: string): unknown =>
  readBase().find((it) => isKnativeService(it) && it.metadata.name === name)?.spec;
const concurrencyOf = (name: string): number =>
  Number(at(specOf(name), "template", "spec", "containerConcurrency"));
const maxScaleOf = (name: string): number =>
  Number(
    textAt(
      specOf(name),
      "template",
      "metadata",
      "annotations",
      "autoscaling.knative.dev/max-scale",
    ),
  );

/** At each function, as many as were open at once: they are kept for a minute. */
const connections = new Map<string, number>();

const FUNCTIONS: [name: string, migrations: Migrations, question: string][] = [
  ["audit-log", auditMigrations, "/entries"],
  ["notification", notificationMigrations, "/notifications"],
  ["recurring-task", recurringMigrations, "/series"],
];

it.each(FUNCTIONS)(
  "%s takes all that its Service lets in at once",
  async (name, steps, question) => {
    await using database = await startTestDatabase(steps);
    await using folder = await makeFolder();
    const running = await startFunctionProcess(
      {
        name,
        entry: join(ROOT, "functions", name, "index.ts"),
        cwd: folder.path,
        env: { ...env, DATABASE_URL: database.url },
        stateDir: folder.path,
      },
      () => undefined,
    );
    onTestFinished(async () => void (await running.stop()));
    expect(await running.ready()).toBe(true);
    const url = `http://127.0.0.1:${running.port}`;
    const token = await new SignJWT({ sub: "u1", scope: "admin" })
      .setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("10m")
      .sign(new TextEncoder().encode(secret));
    const asked = Array.from({ length: 10 }, () =>
      fetch(url + question, { headers: { authorization: `Bearer ${token}` } }),
    );
    const posted = Array.from({ length: concurrencyOf(name) }, (_, index) => post(url, index));
    const statuses = (await Promise.all([...posted, ...asked])).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([204, 200]));
    connections.set(name, await openConnections(database.adminUrl, steps.schema));
    await running.stop();
  },
);

const post = (url: string, index: number): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: {
      "ce-specversion": "1.0",
      "ce-id": `pool-${index}`,
      "ce-source": "/task-app",
      "ce-type": "task.created",
      "content-type": "application/json",
    },
    body: JSON.stringify({
      task_id: `t${index}`,
      user_id: `u${index}`,
      payload: {
        title: "Water the plants",
        recurrence: { rrule: "FREQ=DAILY", time_zone: "UTC", dtstart: "2026-03-01T09:00:00" },
      },
    }),
  });

async function openConnections(url: string, role: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(
      "select count(*) from pg_stat_activity where usename = $1 and datname = current_database()",
      [role],
    );
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

it("all of them at their largest leave PostgreSQL connections for the Jobs", () => {
  const names = FUNCTIONS.map(([name]) => name);
  expect([...connections.keys()]).toEqual(names);
  const all = names.map((name) => maxScaleOf(name) * (connections.get(name) ?? NaN));
  expect(all.reduce((sum, count) => sum + count, 0) + OTHERS).toBeLessThanOrEqual(CONNECTIONS);
});
