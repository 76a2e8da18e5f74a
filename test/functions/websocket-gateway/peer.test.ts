/** Slow, dead and misbehaving clients, and the end of the gateway. */
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { SseClient, WsClient } from "./fixture/client.ts";
import { idsOf, manyEvents, type RunningGateway, tokenOf, World } from "./fixture/world.ts";

let world: World;
let token: string;
beforeEach(async () => {
  world = await World.start();
  token = await tokenOf("u1");
});
afterEach(() => world[Symbol.asyncDispose]());

const metric = async (gateway: RunningGateway, name: string): Promise<number> => {
  const text = await (await fetch(gateway.function.metricsUrl)).text();
  const line = text.split("\n").find((each) => each.startsWith(name) && !each.startsWith("#"));
  return Number(line?.split(" ").at(-1));
};

it(
  "closes a client that reads too slowly with 4008, while the others get everything at once",
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway("gateway-0", { queueBytes: 1024 * 1024 });
    const slow = new WsClient(gateway.url, { token });
    const fast = new WsClient(gateway.url, { token });
    await Promise.all([slow.hello(), fast.hello()]);
    const last = slow.frames[0]?.cursor;
    slow.socket.pause();
    const note = "x".repeat(9_000);
    // More than the kernel's buffers of both ends and the queue together.
    const events = manyEvents(2_000).map((event) => ({ ...event, note }));
    await world.publish(events);
    await fast.untilIds(idsOf(events));
    const { peers } = gateway.function.resources;
    expect(Math.max(...[...peers].map(({ outbox }) => outbox.bytes))).toBeLessThan(1024 * 1024);
    expect(await metric(gateway, 'task_events_gateway_closed_total{code="4008"')).toBe(1);
    slow.socket.resume();
    expect(await slow.untilClosed()).toBe(4008);
    // What it got has no gap, and it resumes from there.
    const seen = new Set(slow.ids);
    const back = new WsClient(gateway.url, {
      token,
      cursor: slow.events.at(-1)?.cursor ?? last ?? "",
    });
    await back.untilIds(idsOf(events).filter((id) => !seen.has(id)));
  },
);

it("ends an event stream that is not read", { timeout: 60_000 }, async () => {
  const gateway = await world.gateway("gateway-0", { queueBytes: 256 * 1024 });
  const socket = await openRaw(
    gateway,
    `GET /sse HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  socket.pause();
  const { peers } = gateway.function.resources;
  await expect.poll(() => peers.size).toBe(1);
  const events = manyEvents(2_000).map((event) => ({ ...event, note: "x".repeat(9_000) }));
  await world.publish(events);
  await expect.poll(() => peers.size, { timeout: 20_000 }).toBe(0);
});

it("ends a connection that does not answer the heartbeat, and keeps those that do", async () => {
  const gateway = await world.gateway("gateway-0", { heartbeatMs: 200 });
  const alive = new WsClient(gateway.url, { token });
  const sse = new SseClient(`${gateway.url}/sse`, { authorization: `Bearer ${token}` });
  await alive.hello();
  await sse.hello();
  const handshake = [
    "GET /ws HTTP/1.1",
    "host: localhost",
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    `authorization: Bearer ${token}`,
  ];
  const dead = await openRaw(gateway, `${handshake.join("\r\n")}\r\n\r\n`);
  const ended = new Promise((resolve) => {
    dead.once("close", resolve);
  });
  dead.resume();
  await ended;
  await expect.poll(() => sse.comments).toBeGreaterThan(1);
  expect(alive.closeCode).toBeUndefined();
  expect(sse.hasEnded).toBe(false);
});

it("ignores frames of types that it does not know, and closes on what is no frame", async () => {
  const gateway = await world.gateway();
  const client = new WsClient(gateway.url, { token });
  await client.hello();
  for (const text of ['{"type":"future"}', '{"type":"ack"}', '{"type":"ack","cursor":"forged"}']) {
    client.socket.send(text);
  }
  await client.untilRead();
  expect(client.closeCode).toBeUndefined();
  const sent: [string | Buffer, number][] = [
    ["no json", 1007],
    ["[1]", 1007],
    [Buffer.from("{}"), 1003],
    [`{"type":"${"x".repeat(20_000)}"}`, 1009],
  ];
  for (const [data, code] of sent) {
    const wrong = new WsClient(gateway.url, { token });
    await wrong.hello();
    wrong.socket.send(data);
    expect(await wrong.untilClosed()).toBe(code);
  }
});

it("drains on its end: 1012 to WebSockets, an end to streams, and nobody is let in", async () => {
  const gateway = await world.gateway("gateway-0", { drainSpreadMs: 300 });
  const clients = Array.from({ length: 5 }, () => new WsClient(gateway.url, { token }));
  const sse = new SseClient(`${gateway.url}/sse`, { authorization: `Bearer ${token}` });
  for (const client of [...clients, sse]) await client.hello();
  const health = await (await fetch(`${gateway.url}/health`)).json();
  expect(health).toEqual({ service: "websocket-service", status: "healthy", connections: 6 });
  const stopped = gateway.stop("app");
  await expect.poll(() => gateway.function.resources.peers.isDraining).toBe(true);
  const late = new WsClient(gateway.url, { token });
  for (const client of clients) expect(await client.untilClosed()).toBe(1012);
  await expect.poll(() => sse.hasEnded).toBe(true);
  await stopped;
  expect(late.frames).toEqual([]);
});

it("survives clients that go away in the middle of everything", async () => {
  const gateway = await world.gateway();
  for (const request of [
    "GET /ws HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nhost: localhost\r\n",
    "GET /sse HTTP/1.1\r\nhost: localhost\r\n",
  ]) {
    for (let round = 0; round < 20; round++) {
      const socket = await openRaw(gateway, `${request}authorization: Bearer ${token}\r\n\r\n`);
      socket.resetAndDestroy();
    }
  }
  await expect.poll(() => gateway.function.resources.peers.size).toBe(0);
  const client = new WsClient(gateway.url, { token });
  await client.hello();
  await world.publish([{ id: "after" }]);
  await client.untilIds(["after"]);
});

async function openRaw(gateway: RunningGateway, request: string): Promise<Socket> {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise((resolve) => {
    socket.once("connect", resolve);
  });
  socket.write(request);
  onTestFinished(() => void socket.destroy());
  return socket;
}
