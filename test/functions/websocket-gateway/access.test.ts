/** Who may connect, to whose events, from which pages, how often. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { SseClient, WsClient } from "./fixture/client.ts";
import { type RunningGateway, tokenOf, World } from "./fixture/world.ts";

let world: World;
let gateway: RunningGateway;
let token: string;
beforeAll(async () => {
  world = await World.start();
  gateway = await world.gateway();
  token = await tokenOf("u1");
});
afterAll(() => world[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${gateway.url}${path}`, { method, headers, signal: AbortSignal.timeout(5_000) });

const statusOf = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
  const response = await get(path, headers, method);
  await response.body?.cancel();
  return response.status;
};

const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` });

it("closes a WebSocket without a right token with 4001 after the upgrade", async () => {
  const expired = await tokenOf("u1", { lifetime: "-1s" });
  for (const wrong of [undefined, "x", `${token}x`, expired]) {
    const client = new WsClient(gateway.url, wrong === undefined ? {} : { token: wrong });
    expect(await client.untilClosed()).toBe(4001);
  }
  const browser = new WsClient(gateway.url, { token: "x.y.z", asBrowser: true });
  expect(await browser.untilClosed()).toBe(4001);
  expect(browser.frames).toEqual([]);
});

it("answers 401 to HTTP without a right token, and nothing else", async () => {
  const expired = await tokenOf("u1", { lifetime: "-1s" });
  for (const headers of [{}, bearer("x"), bearer(expired), { authorization: "Basic eDp5" }]) {
    expect(await statusOf("/sse", headers)).toBe(401);
    expect(await statusOf("/tickets", headers, "POST")).toBe(401);
    expect(await statusOf("/presence", headers)).toBe(401);
  }
});

it("ends streams when the token expires: 4401, and the end of an event stream", async () => {
  const short = await tokenOf("u1", { lifetime: "2s" });
  const client = new WsClient(gateway.url, { token: short });
  const sse = new SseClient(`${gateway.url}/sse`, bearer(short));
  await client.hello();
  await sse.hello();
  expect(await client.untilClosed()).toBe(4401);
  await expect.poll(() => sse.hasEnded).toBe(true);
});

it("shows admins their own events and those without a user, and others' only when asked", async () => {
  const admin = await tokenOf("boss", { scope: "admin" });
  const own = new WsClient(gateway.url, { token: admin });
  const asked = new WsClient(gateway.url, { token: admin, userId: "u7" });
  const sse = new SseClient(`${gateway.url}/sse?user_id=u7`, bearer(admin));
  const user = new WsClient(gateway.url, { token: await tokenOf("u7"), userId: "u7" });
  for (const client of [own, asked, sse, user]) await client.hello();
  await world.publish([
    { id: "of boss", userId: "boss" },
    { id: "of u7", userId: "u7" },
    { id: "of nobody", userId: null },
  ]);
  await own.untilIds(["of boss", "of nobody"]);
  await asked.untilIds(["of u7", "of nobody"]);
  await sse.untilIds(["of u7", "of nobody"]);
  await user.untilIds(["of u7"]);
  expect(asked.ids).toEqual(["of u7", "of nobody"]);
});

it("keeps users from each other's events", async () => {
  const client = new WsClient(gateway.url, { token, userId: "u2" });
  expect(await client.untilClosed()).toBe(4003);
  expect(await statusOf("/sse?user_id=u2", bearer(token))).toBe(403);
  expect(await statusOf("/presence?user_id=u2", bearer(token))).toBe(403);
});

it("refuses pages of other sites, and admits its own and the listed ones with CORS", async () => {
  const host = new URL(gateway.url).host;
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `https://${host}.evil.example` },
    { "sec-fetch-site": "cross-site" },
  ];
  for (const headers of foreign) {
    const client = new WsClient(gateway.url, { token, headers });
    await expect.poll(() => client.httpStatus).toBe(403);
    expect(await statusOf("/sse", { ...bearer(token), ...headers })).toBe(403);
    expect(await statusOf("/tickets", { ...bearer(token), ...headers }, "POST")).toBe(403);
    expect(await statusOf("/", { ...headers, origin: "https://evil.example" }, "POST")).toBe(401);
  }
  const allowed = { origin: "https://app.example", "sec-fetch-site": "cross-site" };
  await new WsClient(gateway.url, { token, headers: allowed }).hello();
  await new WsClient(gateway.url, { token, headers: { origin: `http://${host}` } }).hello();
  const answer = await get("/tickets", { ...bearer(token), ...allowed }, "POST");
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect((await get("/sse", allowed)).headers.get("access-control-allow-origin")).toBe(
    "https://app.example",
  );
  const sse = new SseClient(`${gateway.url}/sse`, { ...bearer(token), ...allowed });
  await sse.hello();
  const opened = await sse.response;
  expect(opened.headers.get("access-control-allow-origin")).toBe("https://app.example");
});

it("answers a preflight of a listed origin, and refuses it to others", async () => {
  const ask = {
    "access-control-request-method": "GET",
    "access-control-request-headers": "authorization",
  };
  const answer = await get("/sse", { ...ask, origin: "https://app.example" }, "OPTIONS");
  expect([answer.status, answer.headers.get("access-control-allow-headers")]).toEqual([
    204,
    expect.stringContaining("authorization"),
  ]);
  expect(await statusOf("/sse", { ...ask, origin: "https://evil.example" }, "OPTIONS")).toBe(403);
});

it("says what is wrong with bad values and paths", async () => {
  for (const device of ["", "a b", "x".repeat(65), "ü"]) {
    const client = new WsClient(gateway.url, { token, device });
    await expect.poll(() => client.httpStatus).toBe(400);
  }
  expect(await statusOf("/sse?device=phone", bearer(token))).toBe(400);
  const elsewhere = new WebSocket(`${gateway.url.replace("http", "ws")}/elsewhere`);
  const status = await new Promise((resolve) => {
    elsewhere.on("error", () => undefined);
    elsewhere.on("unexpected-response", (_, response) => resolve(response.statusCode));
  });
  expect(status).toBe(404);
});

it("opens one event stream a ticket, at any replica", async () => {
  const { ticket } = (await (await get("/tickets", bearer(token), "POST")).json()) as {
    ticket: string;
  };
  const other = await world.gateway("gateway-1");
  const url = `${other.url}/sse?ticket=${ticket}`;
  const sse = new SseClient(url);
  await sse.hello();
  await world.publish([{ id: "by ticket" }]);
  await sse.untilIds(["by ticket"]);
  expect(await statusOf(`/sse?ticket=${ticket}`)).toBe(401);
  expect(await statusOf("/sse?ticket=x")).toBe(401);
  expect(await statusOf(`/sse?ticket=${token}`)).toBe(401);
  await other.stop();
});

it("lets the stream of a ticket reconnect with an id that was issued on it, as EventSource does", async () => {
  const issue = async () => {
    const answer = await get("/tickets", bearer(token), "POST");
    return ((await answer.json()) as { ticket: string }).ticket;
  };
  const [ticket, another] = [await issue(), await issue()];
  const first = new SseClient(`${gateway.url}/sse?ticket=${ticket}`);
  await first.hello();
  const id = first.messages[0]?.id ?? "";
  expect(id).toBe(first.messages[0]?.frame.cursor);
  first.leave();
  await world.publish([{ id: "while away" }]);
  const again = new SseClient(`${gateway.url}/sse?ticket=${ticket}`, { "last-event-id": id });
  expect(await again.hello()).toMatchObject({ recovered: true });
  await again.untilIds(["while away"]);
  // Neither an id of another stream nor a bare cursor reopens it.
  const stranger = new SseClient(`${gateway.url}/sse?ticket=${another}`);
  const strange = (await stranger.hello()).cursor;
  for (const foreign of [strange, id.split(".")[0] ?? "", "x"]) {
    expect(await statusOf(`/sse?ticket=${ticket}`, { "last-event-id": foreign })).toBe(401);
  }
  const withBound = new WsClient(gateway.url, { token, cursor: id });
  expect(await withBound.hello()).toMatchObject({ recovered: true });
});

it("limits peers and new connections a user", async () => {
  const limited = await world.gateway("gateway-2", {
    maxPeersPerUser: 2,
    maxConnectionsPerMinute: 4,
  });
  const u9 = await tokenOf("u9");
  const two = [new WsClient(limited.url, { token: u9 }), new WsClient(limited.url, { token: u9 })];
  for (const client of two) await client.hello();
  expect(await new WsClient(limited.url, { token: u9 }).untilClosed()).toBe(4029);
  await two[0]?.leave();
  await new WsClient(limited.url, { token: u9 }).hello();
  const fifth = await fetch(`${limited.url}/sse`, { headers: bearer(u9) });
  expect(fifth.status).toBe(429);
  expect(Number(fifth.headers.get("retry-after"))).toBeGreaterThan(0);
  await new WsClient(limited.url, { token }).hello();
  await limited.stop();
});
