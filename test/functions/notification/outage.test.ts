/** Providers and the database that are slow, refuse, or are not there. */
import { Client } from "pg";
import { expect, test } from "vitest";
import { startMailServer } from "./provider.ts";
import { startScene, type Replica } from "./scene.ts";

const retry = { baseMs: 20, maxMs: 200 };
const spare = { baseMs: 100, maxMs: 500 };

const countByState = async (replica: Replica, query?: string) => {
  const counts: Record<string, number> = {};
  for (const { state } of await replica.ledger(query)) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
};

test("while the mail server is down every event is taken, few attempts are spent, and all are sent when it is back", async () => {
  const scene = await startScene();
  const replica = await scene.start({ retry, spare });
  await replica.put("u1", { email: "u1@example.test" });
  const { port } = new URL(scene.mail.url);
  await scene.mail[Symbol.asyncDispose]();

  const answers = await Promise.all(Array.from({ length: 60 }, () => replica.post({})));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
  await expect
    .poll(async () => (await replica.ledger()).filter(({ attempts }) => attempts > 0).length)
    .toBeGreaterThan(2);
  const untried = (await replica.ledger()).filter(({ attempts }) => attempts === 0);
  expect(untried.length).toBeGreaterThan(40);
  expect((await replica.ping()).status).toBe(204);
  const metrics = await (await fetch(replica.metricsUrl)).text();
  const [backlog] = await scene.query("select * from backlog where channel = 'email'");
  expect(backlog).toMatchObject({ pending: 60, oldest_pending_at: expect.any(Date) });
  expect(metrics).toMatch(/notification_provider_down\{channel="email".*\} [01]/);

  await using back = await startMailServer(Number(port));
  await expect.poll(() => countByState(replica), { timeout: 15_000 }).toEqual({ sent: 60 });
  expect(new Set(back.mails.map(({ mail }) => mail.messageId)).size).toBe(60);
  expect(back.mails).toHaveLength(60);
});

test("a domain that does not answer holds up neither other domains nor SMS, and is then left alone", async () => {
  const scene = await startScene();
  const replica = await scene.start({ retry, slowMs: 300, attemptMs: 6_000 });
  scene.mail.behaviour.rcptDelayMs = (address) => (address.endsWith("@dead.test") ? 60_000 : 0);
  await replica.put("dead", { email: "a@dead.test" });
  await replica.put("u1", { email: "u1@example.test" });
  await replica.put("u2", { phone: "+15550100002", channels: { "task.created": ["sms"] } });

  await Promise.all(Array.from({ length: 60 }, () => replica.post({ user: "dead" })));
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: 60 }, (_, index) => replica.post({ user: index % 2 ? "u1" : "u2" })),
  );
  for (const query of ["user_id=u1", "user_id=u2"]) {
    await expect.poll(() => countByState(replica, query), { timeout: 4_000 }).toEqual({ sent: 30 });
  }
  // One attempt at the dead domain takes 6 s.
  expect(performance.now() - startedAt).toBeLessThan(5_000);

  await expect
    .poll(
      async () =>
        (await replica.ledger("user_id=dead")).filter(
          ({ attempts, reason }) => attempts === 0 && reason === "no answer for dead.test",
        ).length,
      { timeout: 15_000 },
    )
    .toBeGreaterThan(30);
});

test("a mail server that takes seconds for everybody does not hold up SMS or the events", async () => {
  const scene = await startScene();
  const replica = await scene.start({ slowMs: 100 });
  scene.mail.behaviour.rcptDelayMs = () => 4_000;
  await replica.put("u1", {
    email: "u1@example.test",
    phone: "+15550100001",
    channels: { "task.created": ["email", "sms"] },
  });

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 40 }, () => replica.post({})));
  await expect.poll(() => scene.sms.messages.length, { timeout: 4_000 }).toBe(40);

  expect(performance.now() - startedAt).toBeLessThan(4_000);
  expect(scene.mail.mails).toHaveLength(0);
});

test("what is refused for now is sent later, what is refused for good is failed with the server's words", async () => {
  const scene = await startScene();
  const replica = await scene.start({ retry });
  await replica.put("busy", { email: "busy@example.test" });
  await replica.put("gone", { email: "gone@example.test" });
  let refusals = 3;
  scene.mail.behaviour.refuse = (address) => {
    if (address.startsWith("gone")) return { code: 550, text: "5.1.1 no such user" };
    return refusals-- > 0 ? { code: 451, text: "4.7.1 greylisted" } : undefined;
  };

  await replica.post({ user: "busy" });
  await replica.post({ user: "gone" });

  await expect
    .poll(() => replica.ledger("user_id=busy"))
    .toMatchObject([{ state: "sent", reason: null, attempts: 4 }]);
  expect(await replica.ledger("user_id=gone")).toMatchObject([
    { state: "failed", reason: "550 5.1.1 no such user", attempts: 1 },
  ]);
});

test("a message that was tried for too long is failed, but not before its third attempt", async () => {
  const scene = await startScene();
  const replica = await scene.start({ retry: { baseMs: 1_000, maxMs: 1_000 } });
  await replica.put("u1", { email: "u1@example.test" });
  scene.mail.behaviour.refuse = () => ({ code: 452, text: "4.2.2 mailbox full" });
  await replica.post({});
  await expect.poll(() => replica.ledger()).toMatchObject([{ attempts: 1, state: "pending" }]);

  await scene.query("update notifications set retry_until = now() - interval '1 minute'");
  await scene.query("update notifications set due_at = now()");
  await replica.ping();
  await expect.poll(() => replica.ledger()).toMatchObject([{ attempts: 2, state: "pending" }]);
  await scene.query("update notifications set due_at = now()");
  await replica.ping();

  await expect
    .poll(() => replica.ledger())
    .toMatchObject([{ attempts: 3, state: "failed", reason: "452 4.2.2 mailbox full" }]);
});

test("an SMS provider's 400 fails the message, its 429 and 503 only put it off", async () => {
  const scene = await startScene();
  const replica = await scene.start({ retry });
  const channels = { "task.created": ["sms" as const] };
  await replica.put("bad", { phone: "+15550100001", channels });
  await replica.put("good", { phone: "+15550100002", channels });
  const answers = [
    { status: 429, headers: { "retry-after": "1" } },
    { status: 503 },
    { status: 201 },
  ];
  scene.sms.answer = ({ form }) =>
    form["To"] === "+15550100001"
      ? { status: 400, body: { code: 21211, message: "Invalid 'To' Phone Number" } }
      : (answers.shift() ?? { status: 201 });

  await replica.post({ user: "bad" });
  await expect
    .poll(() => replica.ledger("user_id=bad"))
    .toMatchObject([{ state: "failed", reason: "400: Invalid 'To' Phone Number" }]);
  const postedAt = performance.now();
  await replica.post({ user: "good" });

  await expect
    .poll(() => replica.ledger("user_id=good"), { timeout: 10_000 })
    .toMatchObject([{ state: "sent", attempts: 3 }]);
  expect(performance.now() - postedAt).toBeGreaterThan(1_000);
});

test("while the database is down events are answered 503, and nothing is sent", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  const outage = await scene.database.outage();

  expect((await replica.post({ id: "e1" })).status).toBe(503);
  expect((await fetch(`${replica.url}/health/readiness`)).status).toBe(503);
  expect(scene.mail.mails).toHaveLength(0);

  await outage[Symbol.asyncDispose]();
  expect((await replica.post({ id: "e1" })).status).toBe(204);
  await expect.poll(() => countByState(replica)).toEqual({ sent: 1 });
  expect(scene.mail.mails).toHaveLength(1);
});

test("a database that goes away while mails are out gets their outcome when it is back: none is sent twice", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  let outage: Promise<AsyncDisposable> | undefined;
  scene.mail.behaviour.afterData = async () => {
    outage ??= scene.database.outage();
    await outage;
  };

  await Promise.all(Array.from({ length: 12 }, () => replica.post({})));
  await expect.poll(() => scene.mail.mails.length).toBeGreaterThan(0);
  await (await outage)?.[Symbol.asyncDispose]();

  await expect
    .poll(() => countByState(replica).catch(() => undefined), { timeout: 10_000 })
    .toEqual({ sent: 12 });
  expect(scene.mail.mails).toHaveLength(12);
});

test("while outcomes cannot be written down, no more is sent than a crash may send again", async () => {
  const scene = await startScene();
  const replica = await scene.start({ retry });
  await replica.put("u1", { email: "u1@example.test" });
  scene.mail.behaviour.rcptDelayMs = () => 500;
  await Promise.all(Array.from({ length: 60 }, () => replica.post({})));
  const admin = new Client({ connectionString: scene.database.adminUrl });
  await admin.connect();
  await admin.query("begin; lock table notification.notifications in exclusive mode");
  scene.mail.behaviour.rcptDelayMs = () => 0;

  // Four sends at once, and as many that wait to be written down.
  let sent = -1;
  await expect
    .poll(
      () => {
        const before = sent;
        sent = scene.mail.mails.length;
        return sent > 0 && sent === before;
      },
      { interval: 1_000, timeout: 20_000 },
    )
    .toBe(true);
  expect(sent).toBeLessThanOrEqual(12);

  await admin.query("rollback");
  await admin.end();
  await expect.poll(() => countByState(replica), { timeout: 15_000 }).toEqual({ sent: 60 });
  expect(scene.mail.mails).toHaveLength(60);
});
