/** What people and programs ask of the management routes and the console: wrong tokens, others' data, wrong values. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scene, task, until } from "./scene.ts";

type Name = "notification" | "recurring-task" | "audit-log" | "websocket-gateway" | "console";

let scene: Scene;
let secret: Uint8Array;
let tokens: Record<"u1" | "u2" | "admin", string>;
beforeAll(async () => {
  scene = await Scene.open();
  const { runner } = scene;
  const keys = JSON.parse(readFileSync(join(runner.stateDir, "secrets.json"), "utf8")) as object;
  secret = new TextEncoder().encode((keys as { token: string }).token);
  tokens = {
    u1: await runner.token("u1"),
    u2: await runner.token("u2"),
    admin: await runner.token("boss", "admin"),
  };
}, 120_000);
afterAll(() => scene[Symbol.asyncDispose]());

interface Asked {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function ask(name: Name, path: string, asked: Asked = {}) {
  const { method = "GET", token, headers = {}, body = null } = asked;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(scene.runner.url(name, path), {
    method,
    headers: { ...authorization, ...headers },
    body,
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const claims = (change: object = {}): SignJWT =>
  new SignJWT({ sub: "u1", exp: Math.floor(Date.now() / 1000) + 60, ...change });
const signed = (change: object, key = secret, alg = "HS256"): Promise<string> =>
  claims(change).setProtectedHeader({ alg }).sign(key);

const wrongTokens: [string, () => Promise<string | undefined> | string | undefined][] = [
  ["none", () => undefined],
  ["text", () => "hello"],
  ["three dots", () => "..."],
  ["another secret", () => signed({}, new TextEncoder().encode("x".repeat(32)))],
  ["a changed claim", async () => (await signed({})).replace(/\.[^.]+\./, `.${btoa("{}")}.`)],
  ["an expired one", () => signed({ exp: 1_700_000_000 })],
  ["one that is not good yet", () => signed({ nbf: 4_000_000_000 })],
  ["one without an end", () => signed({ exp: undefined })],
  ["one without a user", () => signed({ sub: undefined })],
  ["an empty user", () => signed({ sub: "" })],
  ["a number as user", () => signed({ sub: 7 as unknown as string })],
  ["alg none", () => new UnsecuredJWT({ sub: "u1", exp: 4_000_000_000 }).encode()],
  ["HS512", () => signed({}, new Uint8Array([...secret, ...secret]), "HS512")],
  ["one of 60 KB", async () => `${await signed({})}${"x".repeat(60_000)}`],
];

const guarded: [Name, string, string][] = [
  ["audit-log", "GET", "/entries"],
  ["notification", "GET", "/notifications"],
  ["notification", "GET", "/recipients/u1"],
  ["notification", "PUT", "/recipients/u1"],
  ["notification", "POST", "/notifications/resend"],
  ["recurring-task", "GET", "/series"],
  ["recurring-task", "GET", "/series/t1"],
  ["websocket-gateway", "GET", "/sse"],
  ["websocket-gateway", "GET", "/presence"],
  ["websocket-gateway", "POST", "/tickets"],
  ["audit-log", "POST", "/history"],
  ["audit-log", "GET", "/generation"],
];

describe.each(guarded)("%s %s %s", (name, method, path) => {
  it.each(wrongTokens)("answers 401 to the token: %s", async (_, make) => {
    const { status, headers, text } = await ask(name, path, { method, token: await make() });
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe("Bearer");
    expect(Object.keys(JSON.parse(text) as object)).toEqual(["error"]);
  });
});

it.each(["Basic dTE6cHc=", "Bearer", "Bearer  ", "bearer a b", "Token x"])(
  "answers 401 to the header %s",
  async (authorization) => {
    expect((await ask("audit-log", "/entries", { headers: { authorization } })).status).toBe(401);
  },
);

it.each([
  ["audit-log", "/entries?user_id=u2"],
  ["notification", "/notifications?user_id=u2"],
  ["notification", "/recipients/u2"],
  ["recurring-task", "/series?user_id=u2"],
  ["websocket-gateway", "/presence?user_id=u2"],
  ["websocket-gateway", "/sse?user_id=u2"],
] as const)("keeps others' data from u1: %s %s", async (name, path) => {
  expect((await ask(name, path, { token: tokens.u1 })).status).toBe(403);
});

it("lets u1 neither write u2's addresses, nor send again, nor use the gateway's routes", async () => {
  const { u1: token, admin } = tokens;
  const json = { "content-type": "application/json" };
  const put = { method: "PUT", token, headers: json, body: '{"email":"thief@example.test"}' };
  expect((await ask("notification", "/recipients/u2", put)).status).toBe(403);
  const again = { method: "POST", token, headers: json, body: '{"source":"/x","id":"1"}' };
  expect((await ask("notification", "/notifications/resend", again)).status).toBe(403);
  for (const wrong of [token, admin]) {
    const history = { method: "POST", token: wrong, headers: json, body: "{}" };
    expect((await ask("audit-log", "/history", history)).status).toBe(401);
  }
  const recipient = await ask("notification", "/recipients/u2", { token: tokens.u2 });
  expect(recipient.text).toContain("u2@example.test");
});

const refusedQueries: [Name, string, RegExp][] = [
  ...["0", "-1", "1001", "abc", "1.5", "1e2", "", "9".repeat(400)].map(
    (limit): [Name, string, RegExp] => ["audit-log", `/entries?limit=${limit}`, /limit/],
  ),
  ["audit-log", "/entries?limit=1&limit=2", /limit/],
  ["audit-log", "/entries?cursor=hello", /cursor/],
  ["audit-log", "/entries?cursor=%00", /cursor/],
  ["audit-log", "/entries?from=yesterday", /from/],
  ["audit-log", "/entries?from=2026-02-30T00:00:00Z", /from/],
  ["audit-log", "/entries?to=2026-01-01", /to must/],
  ["audit-log", "/entries?task_id=", /task_id/],
  ["audit-log", "/entries?taskid=x", /taskid is not known/],
  ["audit-log", "/entries?__proto__=x", /.*/],
  ["notification", "/notifications?limit=0", /limit/],
  ["notification", "/notifications?limit=1001", /limit/],
  ["notification", "/notifications?cursor=x", /cursor/],
  ["notification", "/notifications?cursor=99999999999999999", /cursor/],
  ["notification", "/notifications?event_id=", /event_id/],
  ["recurring-task", "/series?limit=0", /limit/],
  ["recurring-task", "/series?limit=x", /limit/],
  ["recurring-task", "/series?cursor=%00", /cursor/],
  ["recurring-task", "/series?cursor=!!!", /cursor/],
  ["recurring-task", "/series?count=101", /count/],
  ["recurring-task", "/series/t1?count=-1", /count/],
  ["recurring-task", "/series/t1?count=1.5", /count/],
  ["websocket-gateway", "/sse?user_id=", /user_id/],
  ["websocket-gateway", "/sse?device=phone", /device/],
  ["console", "/api/token", /user_id/],
  ["console", "/api/token?user_id=", /user_id/],
  ["console", "/api/mail?limit=0", /limit/],
  ["console", "/api/events?limit=1001", /limit/],
  ["console", "/api/events?type=", /type/],
  ["console", "/api/dead-letters?limit=all", /limit/],
  ["console", "/api/deliveries?id=", /id/],
];

it.each(refusedQueries)("%s %s is a sentence", async (name, path, sentence) => {
  const { status, text } = await ask(name, path, { token: tokens.admin });
  expect(status).toBe(400);
  expect((JSON.parse(text) as { error: string }).error).toMatch(sentence);
});

it.each([
  ["audit-log", "/entries?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:60Z", 200],
  ["audit-log", "/entries?task_id=%00&source=%ed%a0%80&type='%3bdrop+table+entry--", 200],
  ["audit-log", `/entries?task_id=${"x".repeat(20_000)}`, 200],
  ["audit-log", `/entries?cursor=${btoa("999999999999999.999999999999999")}`, 200],
  ["notification", "/notifications?user_id=%00&event_id=%00", 200],
  ["notification", "/notifications?cursor=9999999999999999", 200],
  ["notification", "/recipients/%00", 404],
  ["notification", "/recipients/%zz", 400],
  ["notification", `/recipients/${"x".repeat(257)}`, 400],
  ["recurring-task", "/series/a%00b", 400],
  ["recurring-task", "/series?user_id=a%00b", 400],
  ["recurring-task", "/series/%ed%a0%80", 400],
  ["recurring-task", "/series/%f0%9f%98%80", 404],
  ["recurring-task", `/series/${"x".repeat(257)}`, 400],
  ["recurring-task", "/series/..%2f..%2fetc%2fpasswd", 404],
  ["websocket-gateway", "/presence?user_id=%00%ed%a0%80", 200],
  ["websocket-gateway", "/ws", 426],
  ["console", "/api/nothing", 404],
  ["console", "/api/token?user_id=%00&scope=%f0", 200],
] as const)("%s %s is answered %i", async (name, path, status) => {
  expect((await ask(name, path, { token: tokens.admin })).status).toBe(status);
});

const json = { "content-type": "application/json" };
const bodies: [string, string, Record<string, string>, number][] = [
  ["no body", "", json, 400],
  ["malformed JSON", "{", json, 400],
  ["an array", "[]", json, 400],
  ["null", "null", json, 400],
  ["text", "email=x", { "content-type": "text/plain" }, 400],
  ["a form", "email=x", { "content-type": "application/x-www-form-urlencoded" }, 415],
  ["a body of 100 KB", `{"email":"${"x".repeat(100_000)}"}`, json, 413],
  ["an address that is none", '{"email":"nobody"}', json, 400],
  ["an address with a header", '{"email":"a@b.test\\r\\nBcc: c@d.test"}', json, 400],
  ["two addresses", '{"email":"a@b.test, c@d.test"}', json, 400],
  ["a number as address", '{"email":7}', json, 400],
  ["a phone number in words", '{"phone":"call me"}', json, 400],
  ["a phone number without country", '{"phone":"0301234567"}', json, 400],
  ["an unknown time zone", '{"time_zone":"Mars/Olympus"}', json, 400],
  ["an offset as time zone", '{"time_zone":"+01:00"}', json, 400],
  ["a locale that is none", '{"locale":"not a locale"}', json, 400],
  ["an unknown channel", '{"channels":{"task.created":["pigeon"]}}', json, 400],
  ["an unknown event type", '{"channels":{"task.eaten":["email"]}}', json, 400],
  ["channels as text", '{"channels":"email"}', json, 400],
  ["an unknown member", '{"e_mail":"a@b.test"}', json, 400],
  ["__proto__", '{"__proto__":{"email":"a@b.test"}}', json, 400],
  ["deep nesting", `{"channels":${"[".repeat(5_000)}${"]".repeat(5_000)}}`, json, 400],
];

it.each(bodies)("PUT /recipients: %s", async (_, body, headers, status) => {
  const put = { method: "PUT", token: tokens.u1, headers, body };
  const answer = await ask("notification", "/recipients/u1", put);
  expect(answer.status).toBe(status);
  expect((JSON.parse(answer.text) as { error: string }).error).toMatch(/\w+/);
});

it("u1's own data is still there, and nothing failed", async () => {
  const { text } = await ask("notification", "/recipients/u1", { token: tokens.u1 });
  expect(text).toContain("u1@example.test");
  await scene.runner.post(
    { id: "for-u2", type: "task.created", partitionkey: "t" },
    task("for-u2", "u2"),
  );
  await until(async () => expect(await scene.entries("task_id=for-u2")).toHaveLength(1));
  const { text: page } = await ask("audit-log", "/entries", { token: tokens.u1 });
  expect(page).not.toContain("for-u2");
  await scene.expectUnharmed();
}, 120_000);
