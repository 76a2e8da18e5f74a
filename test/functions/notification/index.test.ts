/** From an event to a message: once per event, recipient and channel. */
import { expect, test } from "vitest";
import { startScene, type Replica } from "./scene.ts";

const states = async (replica: Replica, query?: string) =>
  (await replica.ledger(query)).map(({ channel, state, reason }) => [channel, state, reason]);

test("an event of a user with an address becomes one e-mail and one sent row of the ledger", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  expect((await replica.put("u1", { email: "u1@example.test" })).status).toBe(200);

  expect((await replica.post({ id: "e-1", title: "Buy milk" })).status).toBe(204);

  await expect.poll(async () => (await replica.ledger())[0]?.state).toBe("sent");
  expect(scene.mail.mails).toHaveLength(1);
  const [caught] = scene.mail.mails;
  expect(caught?.to).toEqual(["u1@example.test"]);
  expect(caught?.mail.subject).toBe("New task: Buy milk");
  expect(caught?.mail.from?.text).toContain("no-reply@task-events.example");
  expect(await replica.ledger()).toEqual([
    {
      event: { source: "/task-app", id: "e-1", type: "task.created" },
      user_id: "u1",
      channel: "email",
      state: "sent",
      reason: null,
      attempts: 1,
      updated_at: expect.any(String),
    },
  ]);
});

test("redeliveries of an event, one after the other and all at once, send nothing more", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });

  const answers = await Promise.all(Array.from({ length: 30 }, () => replica.post({ id: "same" })));
  answers.push(await replica.post({ id: "same" }));
  await replica.post({ id: "last" });

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
  await expect.poll(() => scene.mail.mails.length).toBe(2);
  expect(await replica.ledger()).toHaveLength(2);
  const metrics = await (await fetch(replica.metricsUrl)).text();
  expect(metrics).toMatch(/handled_total\{type="task.created",outcome="duplicate".*\} 30/);
});

test("a known source and id with other content is dead-lettered and counted, and nothing is sent", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  await replica.post({ id: "same", title: "one" });

  const answer = await replica.post({ id: "same", title: "another" });

  expect(answer.status).toBe(422);
  expect(answer.headers.get("kne-reason")).toMatch(/^duplicate_differs: /);
  expect(await replica.ledger()).toHaveLength(1);
  const metrics = await (await fetch(replica.metricsUrl)).text();
  expect(metrics).toMatch(/notification_duplicates_differing_total\{.*\} 1/);
});

test("two deliveries of one id in one commit: the same content is a duplicate, another is refused", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  const event = { specversion: "1.0", id: "b", source: "/task-app", type: "task.created" };
  const withTitle = (title: string) => ({
    ...event,
    data: { task_id: "t", user_id: "u1", payload: { title } },
  });

  const answer = await fetch(replica.url, {
    method: "POST",
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify([withTitle("one"), withTitle("one"), withTitle("two")]),
  });

  expect(answer.status).toBe(422);
  expect(await answer.text()).toContain("2: an event with the same source and id");
  await expect.poll(() => scene.mail.mails.length).toBe(1);
});

test("a user without an address and one who wants nothing are told apart in the ledger", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("no-mail", { phone: "+15550100001" });
  await replica.put("quiet", { email: "q@example.test", channels: { "task.created": [] } });

  await replica.post({ user: "stranger" });
  await replica.post({ user: "no-mail" });
  await replica.post({ user: "quiet" });

  for (const user of ["stranger", "no-mail"]) {
    expect(await states(replica, `user_id=${user}`)).toEqual([
      ["email", "suppressed", "no_address"],
    ]);
  }
  expect(await states(replica, "user_id=quiet")).toEqual([["email", "suppressed", "preference"]]);
  const metrics = await (await fetch(replica.metricsUrl)).text();
  expect(metrics).toMatch(/sends_total\{channel="email",outcome="suppressed".*\} 3/);
});

test("channels follow the preference for the type of the event; a type without one goes by e-mail", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", {
    email: "u1@example.test",
    phone: "+15550100001",
    channels: { "task.created": ["sms"], "task.recurring.triggered": ["email", "sms"] },
  });
  const occurrence = {
    occurrence_at: "2026-12-31T08:00:00Z",
    occurrence_local: "2026-12-31T09:00:00",
    time_zone: "Europe/Berlin",
  };

  await replica.post({ type: "task.created" });
  await replica.post({ type: "task.completed" });
  await replica.post({ type: "task.recurring.triggered", payload: occurrence });
  await replica.post({ type: "task.updated" });
  await replica.post({ type: "task.renamed" });

  await expect.poll(() => scene.mail.mails.length).toBe(2);
  await expect.poll(() => scene.sms.messages.length).toBe(2);
  expect(new Set(scene.mail.mails.map(({ mail }) => mail.subject))).toEqual(
    new Set(["It is time: Buy milk", "Task done: Buy milk"]),
  );
  expect(await replica.ledger()).toHaveLength(4);
});

test("an SMS is Twilio's request: path, form, basic auth, a stable token and the trace", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { phone: "+15550100001", channels: { "task.created": ["sms"] } });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  await replica.post({ headers: { traceparent } });

  await expect.poll(() => scene.sms.messages.length).toBe(1);
  const [sms] = scene.sms.messages;
  expect(sms?.path).toBe("/2010-04-01/Accounts/AC1/Messages.json");
  expect(sms?.form).toEqual({
    To: "+15550100001",
    From: "+15550100000",
    Body: "New task: Buy milk",
  });
  expect(sms?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from("AC1:secret").toString("base64")}`,
    "i-twilio-idempotency-token": expect.stringMatching(/^[\da-f]{40}$/),
    traceparent,
  });
});

test("a hostile title cannot add headers, recipients or markup", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  const title =
    "x\r\nBcc: victim@example.test\r\n\r\n<img src=x onerror=alert(1)> {{footer}} \u202etxt";

  await replica.post({ title, payload: { description: "<script>1</script>\n.\nQUIT" } });

  await expect.poll(() => scene.mail.mails.length).toBe(1);
  const [caught] = scene.mail.mails;
  expect(caught?.to).toEqual(["u1@example.test"]);
  expect(caught?.mail.bcc).toBeUndefined();
  expect(caught?.mail.headers.has("bcc")).toBe(false);
  expect(caught?.mail.subject).toBe(
    "New task: x Bcc: victim@example.test <img src=x onerror=alert(1)> {{footer}} txt",
  );
  expect(caught?.mail.html).not.toMatch(/<img|<script/);
  expect(caught?.mail.html).toContain("&lt;script&gt;");
  expect(caught?.mail.text).toContain("<script>1</script>\n.\nQUIT");
});

test("ids of 12 KB, with NUL, a lone surrogate or a backslash keep their own rows", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  const ids = ["x".repeat(12_000), "a\u0000b", "a\\0b", "\ud800", "\ud801", "ü"];

  for (const id of ids) {
    const answer = await fetch(replica.url, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify({
        specversion: "1.0",
        id,
        source: "/task-app",
        type: "task.created",
        data: { task_id: "t1", user_id: "u1", payload: { title: "\u0000\ud800 ok" } },
      }),
    });
    expect([id.slice(0, 9), answer.status]).toEqual([id.slice(0, 9), 204]);
  }

  await expect.poll(() => scene.mail.mails.length).toBe(ids.length);
  expect(new Set((await replica.ledger()).map(({ event }) => event.id))).toEqual(new Set(ids));
  expect(await replica.ledger(`event_id=${encodeURIComponent(ids[0] ?? "")}`)).toHaveLength(1);
});
