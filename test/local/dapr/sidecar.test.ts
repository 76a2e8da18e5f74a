/** Dapr's HTTP API as an app calls it: health, metadata, state, invocation. */
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import {
  CommunicationProtocolEnum,
  DaprClient,
  StateConcurrencyEnum,
  StateConsistencyEnum,
} from "@dapr/dapr";
import { afterEach, expect, it } from "vitest";
import { startSidecar, type Sidecar, type SidecarOptions } from "../../../local/dapr/sidecar.ts";
import { sidecarOptions, temporaryFolder } from "./fixture/sidecar.ts";

const running: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each[Symbol.asyncDispose]()));
});

async function start(over: Partial<SidecarOptions> = {}): Promise<Sidecar> {
  const sidecar = await startSidecar(sidecarOptions(over));
  running.push(sidecar);
  return sidecar;
}

const STATE = "/v1.0/state/redis-state";

function call(sidecar: Sidecar, path: string, body?: unknown, init: RequestInit = {}) {
  return fetch(`http://127.0.0.1:${String(sidecar.httpPort)}${path}`, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    ...init,
  });
}

const statusOf = async (answer: Promise<Response>) => (await answer).status;

it("is ready for calls at once, and healthy when the app runs", async () => {
  let appPort: number | undefined;
  const sidecar = await start({ appPort: () => appPort });
  expect(await statusOf(call(sidecar, "/v1.0/healthz/outbound"))).toBe(204);
  expect(await statusOf(call(sidecar, "/v1.0/healthz"))).toBe(500);
  appPort = 1;
  expect(await statusOf(call(sidecar, "/v1.0/healthz"))).toBe(204);
});

it("tells components and subscriptions in its metadata", async () => {
  const subscription = {
    pubsubName: "p",
    topic: "t",
    route: "/r",
    metadata: { rawPayload: "true" },
  };
  const sidecar = await start({ subscriptions: [subscription] });
  expect(await (await call(sidecar, "/v1.0/metadata")).json()).toMatchObject({
    id: "gateway",
    components: [{ name: "redis-state", type: "state.redis" }],
    subscriptions: [{ pubsubname: "p", topic: "t", rules: [{ path: "/r" }], type: "DECLARATIVE" }],
  });
});

it("keeps state over a restart, an app's own, the same for all its replicas", async () => {
  const stateDir = temporaryFolder();
  const first = await start({ stateDir });
  const value = { text: "Grüße 🚀", list: [1, null] };
  expect(await statusOf(call(first, STATE, [{ key: "a/b", value }]))).toBe(204);
  const replica = await start({ stateDir, podName: "gateway-1" });
  const other = await start({ stateDir, appId: "other" });
  const answer = await call(replica, `${STATE}/a%2Fb`);
  expect([answer.status, answer.headers.get("etag")]).toEqual([200, "1"]);
  expect(await answer.json()).toEqual(value);
  expect(await statusOf(call(other, `${STATE}/a%2Fb`))).toBe(204);
  await Promise.all(running.splice(0).map((each) => each[Symbol.asyncDispose]()));
  const again = await start({ stateDir });
  expect(await (await call(again, `${STATE}/a%2Fb`)).json()).toEqual(value);
});

it("lets the first write win where it is asked to", async () => {
  const sidecar = await start();
  const write = (value: number, etag?: string) =>
    statusOf(
      call(sidecar, STATE, [{ key: "k", value, etag, options: { concurrency: "first-write" } }]),
    );
  expect(await write(1, "0")).toBe(204);
  expect(await write(2, "0")).toBe(409);
  expect(await write(2)).toBe(409);
  expect(await write(2, "1")).toBe(204);
  expect(await write(3, "1")).toBe(409);
  expect(await (await call(sidecar, `${STATE}/k`)).json()).toBe(2);
  const remove = (etag: string) =>
    statusOf(
      call(sidecar, `${STATE}/k`, undefined, { method: "DELETE", headers: { "if-match": etag } }),
    );
  expect(await remove("1")).toBe(409);
  expect(await remove("2")).toBe(204);
  expect(await statusOf(call(sidecar, `${STATE}/k`))).toBe(204);
});

it("forgets a value when its life time ends", async () => {
  const sidecar = await start();
  await call(sidecar, STATE, [{ key: "k", value: 1, metadata: { ttlInSeconds: "1" } }]);
  expect(await statusOf(call(sidecar, `${STATE}/k`))).toBe(200);
  await expect.poll(() => statusOf(call(sidecar, `${STATE}/k`)), { timeout: 3_000 }).toBe(204);
});

it("answers many keys at once, and a transaction in order", async () => {
  const sidecar = await start();
  await call(sidecar, `${STATE}/transaction`, {
    operations: [
      { operation: "upsert", request: { key: "a", value: 1 } },
      { operation: "upsert", request: { key: "b", value: 2 } },
      { operation: "delete", request: { key: "a" } },
    ],
  });
  const answer = await call(sidecar, `${STATE}/bulk`, { keys: ["a", "b"] });
  expect(await answer.json()).toEqual([{ key: "a" }, { key: "b", data: 2, etag: "1" }]);
});

it.each([
  [
    "a store that does not exist",
    "/v1.0/state/nowhere",
    [{ key: "k" }],
    400,
    "ERR_STATE_STORE_NOT_FOUND",
  ],
  ["a body that is no list", STATE, { key: "k" }, 400, "ERR_MALFORMED_REQUEST"],
  ["an item without a key", STATE, [{ value: 1 }], 400, "ERR_MALFORMED_REQUEST"],
  ["a key with the separator", STATE, [{ key: "a||b" }], 400, "ERR_MALFORMED_REQUEST"],
  [
    "a life time that is no number",
    STATE,
    [{ key: "k", metadata: { ttlInSeconds: "x" } }],
    400,
    "ERR_STATE_SAVE",
  ],
  ["an unknown route", "/v1.0/actors", {}, 404, "ERR_NOT_FOUND"],
  ["an unknown app", "/v1.0/invoke/nobody/method/x", {}, 500, "ERR_DIRECT_INVOKE"],
  ["an unknown pubsub", "/v1.0/publish/none/topic", {}, 404, "ERR_PUBSUB_NOT_FOUND"],
])("refuses %s", async (_, path, body, status, errorCode) => {
  const answer = await call(await start(), path, body);
  expect([answer.status, await answer.json()]).toMatchObject([status, { errorCode }]);
});

it("serves Dapr's own client", async () => {
  const sidecar = await start();
  const quiet = () => undefined;
  const service = { error: quiet, warn: quiet, info: quiet, verbose: quiet, debug: quiet };
  const client = new DaprClient({
    daprHost: "127.0.0.1",
    daprPort: String(sidecar.httpPort),
    communicationProtocol: CommunicationProtocolEnum.HTTP,
    logger: { service },
  });
  const options = {
    concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
    consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
  };
  const item = { key: "k", value: { at: 1 }, etag: "0", metadata: {}, options };
  expect((await client.state.save("redis-state", [item])).error).toBeUndefined();
  expect((await client.state.save("redis-state", [item])).error?.message).toContain('"status":409');
  expect(await client.state.getBulk("redis-state", ["k"])).toEqual([
    { key: "k", data: { at: 1 }, etag: "1" },
  ]);
  await client.state.delete("redis-state", "k");
  await client.stop();
});

it("invokes a service by its in-cluster URL: method, headers, body, status as they are", async () => {
  const seen: { req: IncomingMessage; body: string }[] = [];
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      seen.push({ req, body });
      res.writeHead(418, { "x-answer": "yes" }).end("tea");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  running.push({
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  });
  const host = `localhost:${String((server.address() as AddressInfo).port)}`;
  const sidecar = await start({
    resolveUrl: (url) => {
      if (url.hostname === "audit-log.default.svc.cluster.local") url.host = host;
      return url;
    },
    appUrl: (appId) => (appId === "audit-log" ? `http://${host}` : undefined),
  });
  const targets = [
    "http://audit-log.default.svc.cluster.local",
    "http%3A%2F%2Faudit-log.default.svc.cluster.local",
    "audit-log",
  ];
  for (const target of targets) {
    const headers = { authorization: "Bearer x", connection: "close" };
    const path = `/v1.0/invoke/${target}/method/entries/a%20b?limit=5&task_id=%C3%A9`;
    const answer = await call(sidecar, path, undefined, { method: "PUT", body: "hello", headers });
    expect([answer.status, answer.headers.get("x-answer"), await answer.text()]).toEqual([
      418,
      "yes",
      "tea",
    ]);
  }
  for (const { req, body } of seen) {
    expect([req.method, req.url, body]).toEqual([
      "PUT",
      "/entries/a%20b?limit=5&task_id=%C3%A9",
      "hello",
    ]);
    expect(req.headers).toMatchObject({
      host,
      authorization: "Bearer x",
      "dapr-caller-app-id": "gateway",
    });
  }
  expect(seen).toHaveLength(3);
});

it("says that a service cannot be reached", async () => {
  const sidecar = await start();
  const answer = await call(sidecar, "/v1.0/invoke/http://127.0.0.1:1/method/x");
  expect([answer.status, await answer.json()]).toMatchObject([
    500,
    { errorCode: "ERR_DIRECT_INVOKE" },
  ]);
});

it("is not for web pages", async () => {
  const sidecar = await start();
  const status = await new Promise((resolve, reject) => {
    const headers = {
      origin: "https://evil.example",
      host: `localhost:${String(sidecar.httpPort)}`,
    };
    const target = { host: "127.0.0.1", port: sidecar.httpPort, path: "/v1.0/metadata", headers };
    request(target, (res) => resolve(res.resume().statusCode))
      .on("error", reject)
      .end();
  });
  expect(status).toBe(403);
});
