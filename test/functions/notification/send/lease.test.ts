/** Leases: two replicas, crashes, pauses and the end of a process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../../functions/notification/ledger/lease.ts";
import { startScene, type Scene } from "../scene.ts";

/** Rows that nobody has sent: recorded while the mail server could not be reached. */
async function leaveUnsent(scene: Scene, count: number): Promise<void> {
  const replica = await scene.start({}, { smtpUrl: "smtp://127.0.0.1:1" });
  await replica.put("u1", { email: "u1@example.test" });
  for (let left = count; left > 0; left -= 100) {
    const answers = Array.from({ length: Math.min(left, 100) }, () => replica.post({}));
    expect((await Promise.all(answers)).every(({ status }) => status === 204)).toBe(true);
  }
  await replica[Symbol.asyncDispose]();
  await scene.query("update notifications set due_at = now(), lease = null");
}

const idsOf = (scene: Scene): (string | undefined)[] =>
  scene.mail.mails.map(({ mail }) => mail.messageId);

test("two replicas that wake together send each notification once", async () => {
  const scene = await startScene();
  await leaveUnsent(scene, 150);

  const [a, b] = await Promise.all([scene.start(), scene.start()]);
  await Promise.all([a.ping(), b.ping(), a.ping()]);

  await expect.poll(() => scene.mail.mails.length).toBe(150);
  expect(new Set(idsOf(scene)).size).toBe(150);
  const rows = await scene.query(
    "select state, attempts, count(*) from notifications group by 1, 2",
  );
  expect(rows.filter(({ state }) => state !== "sent")).toEqual([]);
});

test("a ping is answered when what was due is sent", async () => {
  const scene = await startScene();
  await leaveUnsent(scene, 40);
  const replica = await scene.start();

  expect((await replica.ping()).status).toBe(204);

  expect(scene.mail.mails).toHaveLength(40);
});

test("hundreds of due rows for a domain that does not answer do not keep the rows behind them", async () => {
  const scene = await startScene();
  await leaveUnsent(scene, 400);
  await leaveUnsent(scene, 5);
  await scene.query("update notifications set due_at = now() - interval '1 hour' where seq <= 400");
  await scene.query(
    "insert into recipients values ('dead', 'd@dead.test', null, 'en', 'UTC', '{}')",
  );
  await scene.query("update notifications set user_id = 'dead' where seq <= 400");
  scene.mail.behaviour.rcptDelayMs = (address) => (address.endsWith("@dead.test") ? 60_000 : 0);

  const startedAt = performance.now();
  const replica = await scene.start({ slowMs: 300, attemptMs: 10_000 });
  await expect.poll(() => scene.mail.mails.length, { timeout: 8_000 }).toBe(5);

  expect(performance.now() - startedAt).toBeLessThan(8_000);
  expect((await replica.ledger("user_id=u1")).map(({ state }) => state)).not.toContain("failed");
});

test("a row that another replica has leased is left alone until its lease ends", async () => {
  const scene = await startScene();
  await leaveUnsent(scene, 1);
  const lease = "00000000-0000-4000-8000-000000000000";
  await scene.query("update notifications set lease = $1, due_at = now() + interval '1 hour'", [
    lease,
  ]);
  const replica = await scene.start();

  await replica.ping();
  expect(scene.mail.mails).toHaveLength(0);

  await scene.query("update notifications set due_at = now()");
  await replica.ping();
  expect(scene.mail.mails).toHaveLength(1);
});

test("a process that stands still before DATA for longer than its lease does not send", async () => {
  const scene = await startScene();
  let pausedMs = 0;
  const clock = { ...systemClock, steadyMs: () => systemClock.steadyMs() + pausedMs };
  const replica = await scene.start({ clock });
  await replica.put("u1", { email: "u1@example.test" });
  scene.mail.behaviour.refuse = () => {
    pausedMs = 600_000;
    return undefined;
  };

  await replica.post({});
  await expect
    .poll(async () => (await fetch(replica.metricsUrl)).text())
    .toMatch(/sends_total\{channel="email",outcome="lease_lost".*\} 1/);

  expect(scene.mail.mails).toHaveLength(0);
  scene.mail.behaviour.refuse = () => undefined;
  const other = await scene.start();
  await scene.query("update notifications set due_at = now()");
  await other.ping();
  expect(scene.mail.mails).toHaveLength(1);
});

test("a crash between the mail server's 250 and the commit sends again, under the same Message-ID", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  await replica.post({});
  await expect.poll(() => replica.ledger()).toMatchObject([{ state: "sent" }]);
  // What the crash leaves: the lease that was taken, and no outcome.
  await scene.query("update notifications set state = 'pending', lease = gen_random_uuid()");
  await scene.query("update notifications set attempts = 0, due_at = now()");

  await replica.ping();

  await expect.poll(() => replica.ledger()).toMatchObject([{ state: "sent" }]);
  const ids = idsOf(scene);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).toMatch(/^<[\da-f]{40}@task-events\.example>$/);
});

test("an outcome that comes after the lease was taken over is not written down", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  const other = "00000000-0000-4000-8000-000000000000";
  scene.mail.behaviour.afterData = async () => {
    await scene.query("update notifications set lease = $1", [other]);
  };

  await replica.post({});
  await expect.poll(() => scene.mail.mails.length).toBe(1);
  await replica[Symbol.asyncDispose]();

  const rows = await scene.query("select state, lease from notifications");
  expect(rows).toEqual([{ state: "pending", lease: other }]);
});

test("on SIGTERM the process finishes and records what it started, and exits with 0", async () => {
  const scene = await startScene();
  scene.mail.behaviour.rcptDelayMs = () => 300;
  const { env } = scene;
  const child = spawn(process.execPath, ["functions/notification/index.ts"], {
    env: {
      PATH: process.env["PATH"],
      HOST: "127.0.0.1",
      PORT: "0",
      METRICS_PORT: "0",
      DATABASE_URL: env.databaseUrl,
      SMTP_URL: env.smtpUrl,
      SMTP_FROM: env.smtpFrom,
      SMTP_CONNECTIONS: "4",
      SMS_URL: env.smsUrl,
      SMS_FROM: env.smsFrom,
      JWT_SECRET: env.token.secret,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const url = await urlOf(child.stdout);
  const recipient =
    "insert into recipients values ('u1', 'u1@example.test', null, 'en', 'UTC', '{}')";
  await scene.query(recipient);
  const post = (id: number) =>
    fetch(url, {
      method: "POST",
      headers: {
        "ce-specversion": "1.0",
        "ce-id": String(id),
        "ce-source": "/task-app",
        "ce-type": "task.created",
        "content-type": "application/json",
      },
      body: JSON.stringify({ task_id: "t", user_id: "u1" }),
    });
  await Promise.all(Array.from({ length: 20 }, (_, id) => post(id)));

  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];

  expect(code).toBe(0);
  const rows = await scene.query("select state, lease from notifications");
  expect(rows.filter(({ lease }) => lease !== null)).toEqual([]);
  const sent = rows.filter(({ state }) => state === "sent");
  expect(sent).toHaveLength(scene.mail.mails.length);
  expect(sent).toHaveLength(20);
});

async function urlOf(stdout: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stdout) {
    text += String(chunk);
    const url = /"url":"([^"]+)"/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the function did not listen: ${text}`);
}
