/** The management routes, as their users meet them. */
import { expect, test } from "vitest";
import { startScene, tokenOf } from "./scene.ts";

const recipient = {
  email: "u1@example.test",
  phone: "+4915112345678",
  locale: "de-AT",
  time_zone: "Europe/Vienna",
  channels: { "task.created": ["email", "sms"] as const, "task.completed": [] },
};

test("a recipient is read as it was written; what is left out has defaults", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  const token = await tokenOf("u1");

  expect((await replica.ask("GET", "/recipients/u1", token)).status).toBe(404);
  expect((await replica.ask("PUT", "/recipients/u1", token, recipient)).status).toBe(200);
  expect(await (await replica.ask("GET", "/recipients/u1", token)).json()).toEqual(recipient);

  await replica.ask("PUT", "/recipients/u1", token, { email: null });
  expect(await (await replica.ask("GET", "/recipients/u1", token)).json()).toEqual({
    email: null,
    phone: null,
    locale: "en",
    time_zone: "UTC",
    channels: {},
  });
});

test.each([
  [{ email: "nobody" }, "email"],
  [{ email: "a@example.test\r\nBcc: b@example.test" }, "email"],
  [{ email: "a@example.test, b@example.test" }, "email"],
  [{ phone: "0151 123" }, "phone"],
  [{ phone: "+0123456789" }, "phone"],
  [{ locale: "not a locale" }, "locale"],
  [{ time_zone: "Mars/Olympus" }, "time_zone"],
  [{ time_zone: "+01:00" }, "time_zone"],
  [{ channels: { "task.exploded": ["email"] } }, "channels"],
  [{ channels: { "task.created": ["pigeon"] } }, "channels"],
  [{ channels: { "task.created": ["email", "email"] } }, "channels"],
  [{ channels: { "task.created": "email" } }, "channels"],
  [{ e_mail: "a@example.test" }, "additional"],
  [[], "object"],
])("a wrong recipient %j is refused with a sentence that names the member", async (body, named) => {
  const scene = await startScene();
  const replica = await scene.start();

  const answer = await replica.ask("PUT", "/recipients/u1", await tokenOf("u1"), body);

  expect(answer.status).toBe(400);
  expect(((await answer.json()) as { error: string }).error).toContain(named);
});

test("every route needs a token, one's own data or the scope admin", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  const routes = [
    ["GET", "/recipients/u2", undefined],
    ["PUT", "/recipients/u2", { email: "u2@example.test" }],
    ["GET", "/notifications?user_id=u2", undefined],
    ["POST", "/notifications/resend", { source: "/task-app", id: "x" }],
  ] as const;
  const expired = await tokenOf("u2", "", "1 minute ago");

  for (const [method, path, body] of routes) {
    const statusOf = async (token?: string) =>
      (await replica.ask(method, path, token, body)).status;
    expect([path, await statusOf()]).toEqual([path, 401]);
    expect([path, await statusOf(expired)]).toEqual([path, 401]);
    expect([path, await statusOf("not.a.token")]).toEqual([path, 401]);
    expect([path, await statusOf(await tokenOf("u1"))]).toEqual([path, 403]);
    expect([path, await statusOf(await tokenOf("u1", "admin"))]).not.toEqual([path, 403]);
  }
});

test("a user sees their own notifications, newest first, page by page", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  for (let index = 0; index < 5; index++) await replica.post({ id: `n${index}`, user: "u1" });
  await replica.post({ id: "other", user: "u2" });
  const token = await tokenOf("u1");
  const page = async (query: string) => {
    const answer = await replica.ask("GET", `/notifications?${query}`, token);
    const body = (await answer.json()) as {
      notifications: { event: { id: string } }[];
      next: string | null;
    };
    return { ids: body.notifications.map(({ event }) => event.id), next: body.next };
  };

  const first = await page("limit=2");
  expect(first.ids).toEqual(["n4", "n3"]);
  const second = await page(`limit=2&cursor=${first.next}`);
  expect(second.ids).toEqual(["n2", "n1"]);
  expect(await page(`limit=2&cursor=${second.next}`)).toEqual({ ids: ["n0"], next: null });
  expect(await page("event_id=n3")).toEqual({ ids: ["n3"], next: null });
  expect((await page("event_id=other")).ids).toEqual([]);
});

test.each(["limit=0", "limit=1001", "limit=many", "cursor=x", "cursor=-1", "user=u1"])(
  "the query %s is refused with a sentence",
  async (query) => {
    const scene = await startScene();
    const replica = await scene.start();

    const answer = await replica.ask("GET", `/notifications?${query}`, await tokenOf("u1"));

    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: expect.stringMatching(/\w/) });
  },
);

test("a failed notification is sent when an admin asks for it, a sent one never again", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  const admin = await tokenOf("boss", "admin");
  const resend = () =>
    replica.ask("POST", "/notifications/resend", admin, { source: "/task-app", id: "e1" });
  await replica.put("u1", { email: "typo@example.test" });
  scene.mail.behaviour.refuse = (address) =>
    address.startsWith("typo") ? { code: 550, text: "5.1.1 no such user" } : undefined;

  await replica.post({ id: "e1" });
  await expect
    .poll(() => replica.ledger())
    .toMatchObject([{ state: "failed", attempts: 1, reason: expect.stringContaining("5.1.1") }]);
  await replica.put("u1", { email: "right@example.test" });

  expect((await resend()).status).toBe(202);
  await expect.poll(() => replica.ledger()).toMatchObject([{ state: "sent", reason: null }]);
  expect(scene.mail.mails.map(({ to }) => to)).toEqual([["right@example.test"]]);
  expect((await resend()).status).toBe(404);
});
