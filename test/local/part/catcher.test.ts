/** The catchers of mail and SMS: what a provider's client sends is kept, and listed newest first. */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startMail } from "../../../local/part/mail.ts";
import { startSms } from "../../../local/part/sms.ts";

const notes: string[] = [];
const note = (subject: string, text: string) => void notes.push(`${subject}: ${text}`);
let stateDir = "";
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "catcher "));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const mailTo = (port: number, subject: string) => {
  const transport = createTransport({ host: "127.0.0.1", port, secure: false });
  return transport.sendMail({
    messageId: `<${subject}@task-events>`,
    from: "Task Events <no-reply@example.test>",
    to: ["u1@example.test", "U2 <u2@example.test>"],
    subject: `Überfällig: ${subject}`,
    text: "Straße 🚀",
    html: "<p>Straße 🚀</p>",
    headers: { traceparent },
  });
};

it("keeps a mail with its recipients and texts, over a restart", async () => {
  {
    await using mail = await startMail({ stateDir, port: 0, note });
    await mailTo(mail.port, "one");
    await mailTo(mail.port, "two");
  }
  // As a kill -9 in the middle of a write leaves it.
  appendFileSync(join(stateDir, "mail.ndjson"), '{"id":"half');
  await using again = await startMail({ stateDir, port: 0, note });
  await mailTo(again.port, "three");
  const list = again.list(2);
  expect(list.map(({ id }) => id)).toEqual(["three@task-events", "two@task-events"]);
  expect(list[1]).toEqual({
    id: "two@task-events",
    at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    from: "no-reply@example.test",
    to: ["u1@example.test", "u2@example.test"],
    subject: "Überfällig: two",
    text: "Straße 🚀",
    html: "<p>Straße 🚀</p>",
    traceparent,
  });
  expect(again.list(10)).toHaveLength(3);
});

it("takes any login, as a provider's URL brings one", async () => {
  await using mail = await startMail({ stateDir, port: 0, note });
  const transport = createTransport(`smtp://user:secret@127.0.0.1:${String(mail.port)}`);
  await transport.sendMail({ from: "a@b.test", to: "c@d.test", subject: "x", text: "y" });
  expect(mail.list(10)).toHaveLength(1);
});

it("keeps a hundred mails sent at once, each once", async () => {
  await using mail = await startMail({ stateDir, port: 0, note });
  const pool = createTransport({ host: "127.0.0.1", port: mail.port, pool: true });
  await Promise.all(
    Array.from({ length: 100 }, (_, at) =>
      pool.sendMail({ from: "a@b.test", to: `u${String(at)}@b.test`, subject: "s", text: "t" }),
    ),
  );
  pool.close();
  const recipients = mail.list(1000).flatMap(({ to }) => to);
  expect(new Set(recipients).size).toBe(100);
  expect(recipients).toHaveLength(100);
});

const account = { sid: "AC1", token: "secret" };
const path = "/2010-04-01/Accounts/AC1/Messages.json";
const login = `Basic ${Buffer.from("AC1:secret").toString("base64")}`;

const post = (port: number, form: Record<string, string>, authorization = login) =>
  fetch(`http://127.0.0.1:${String(port)}${path}`, {
    method: "POST",
    headers: { authorization, traceparent },
    body: new URLSearchParams(form),
  });

it("keeps an SMS and answers as Twilio does, over a restart", async () => {
  {
    await using sms = await startSms({ stateDir, port: 0, account, note });
    const res = await post(sms.port, { To: "+491", From: "+490", Body: "Grüße 🚀" });
    expect(res.status).toBe(201);
    const body = (await res.json()) as Record<string, string>;
    expect(body).toMatchObject({ status: "queued", to: "+491", account_sid: "AC1" });
    expect(body["sid"]).toMatch(/^SM[0-9a-f]{32}$/);
  }
  await using again = await startSms({ stateDir, port: 0, account, note });
  expect(again.list(10)).toMatchObject([{ to: "+491", text: "Grüße 🚀", traceparent }]);
});

it("refuses a wrong login, a missing field and a text too long, with Twilio's codes", async () => {
  await using sms = await startSms({ stateDir, port: 0, account, note });
  const codeOf = async (answer: Promise<Response>) => {
    const res = await answer;
    return [res.status, ((await res.json()) as { code: number }).code];
  };
  const form = { To: "+491", From: "+490", Body: "x" };
  expect(await codeOf(post(sms.port, form, "Basic bm8="))).toEqual([401, 20003]);
  expect(await codeOf(post(sms.port, { From: "+490", Body: "x" }))).toEqual([400, 21604]);
  expect(await codeOf(post(sms.port, { To: "+491", Body: "x" }))).toEqual([400, 21603]);
  expect(await codeOf(post(sms.port, { To: "+491", From: "+490" }))).toEqual([400, 21602]);
  expect(await codeOf(post(sms.port, { ...form, Body: "x".repeat(1601) }))).toEqual([400, 21617]);
  expect(await codeOf(post(sms.port, { ...form, Body: "x".repeat(70_000) }))).toEqual([413, 20413]);
  expect(sms.list(10)).toEqual([]);
});

it("is not for web pages: an SMS with another Host is refused", async () => {
  await using sms = await startSms({ stateDir, port: 0, note });
  const status = await new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: sms.port, path, method: "POST" };
    request({ ...options, headers: { host: "evil.example" } }, (res) => {
      res.resume();
      resolve(res.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(status).toBe(403);
});
