/** What the gateway really sends and takes is what the AsyncAPI document says of its frames. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeCode } from "../../functions/websocket-gateway/peer/peer.ts";
import { SseClient, WsClient } from "../functions/websocket-gateway/fixture/client.ts";
import {
  type RunningGateway,
  tokenOf,
  World,
} from "../functions/websocket-gateway/fixture/world.ts";
import { acceptsOfMessage, readAsyncApi } from "./reader.ts";

let world: World;
let gateway: RunningGateway;
beforeAll(async () => {
  world = await World.start();
  gateway = await world.gateway();
});
afterAll(() => world[Symbol.asyncDispose]());

const isHello = acceptsOfMessage("hello");
const isEvent = acceptsOfMessage("event");

it("each frame is a hello or an event, over WebSocket and SSE, live and resumed", async () => {
  const admin = await tokenOf("u1", { scope: "admin" });
  const bearer = { authorization: `Bearer ${admin}` };
  const live = new WsClient(gateway.url, { token: admin });
  const { cursor } = await live.hello();
  const ticket = await fetch(`${gateway.url}/tickets`, { method: "POST", headers: bearer });
  const { ticket: secret } = (await ticket.json()) as { ticket: string };
  const streams = [
    new SseClient(`${gateway.url}/sse`, bearer),
    new SseClient(`${gateway.url}/sse?ticket=${secret}`),
  ];
  for (const stream of streams) await stream.hello();
  await world.publish([{ id: "1" }, { id: "2", userId: null }]);
  const bare = { ce_specversion: "1.0", ce_source: "/test", ce_type: "task.any" };
  await world.produce({ headers: { ...bare, ce_id: "empty" }, value: "" });
  const base64 = { ...bare, ce_id: "bytes", "content-type": "application/octet-stream" };
  await world.produce({ headers: base64, value: "\u0001" });
  const plain = { type: "task.created", task_id: "t1", user_id: "u1" };
  const offset = await world.produce({ value: JSON.stringify(plain) });
  await expect.poll(() => live.events.length, { timeout: 15_000 }).toBe(5);
  for (const stream of streams) {
    await expect.poll(() => stream.events.length, { timeout: 15_000 }).toBe(5);
  }
  const resumed = new WsClient(gateway.url, { token: admin, cursor });
  await expect.poll(() => resumed.events.length, { timeout: 15_000 }).toBe(5);
  const broken = new WsClient(gateway.url, { token: admin, cursor: "none-of-ours" });
  expect(await broken.hello()).toMatchObject({ recovered: false });

  const frames = [live, resumed, broken].map((client) => client.frames);
  const messages = streams.map((stream) => stream.messages.map(({ frame }) => frame));
  for (const [hello, ...events] of [...frames, ...messages]) {
    expect([hello].filter((frame) => !isHello(frame))).toEqual([]);
    expect(events.filter((frame) => !isEvent(frame))).toEqual([]);
  }
  expect(live.events.at(-1)?.event.id).toMatch(new RegExp(`^0/${offset}@`));
  // A schema that takes anything would prove nothing.
  expect(isEvent(live.frames[0])).toBe(false);
  expect(isHello(live.events[0])).toBe(false);
  expect(isEvent({ ...live.events[0], event: {} })).toBe(false);
});

it("an ack as described moves a device's cursor", async () => {
  const token = await tokenOf("u2");
  const first = new WsClient(gateway.url, { token, device: "phone" });
  await first.hello();
  await world.publish([{ id: "a1", userId: "u2" }]);
  await first.untilIds(["a1"]);
  const ack = { type: "ack", cursor: first.lastCursor };
  expect(acceptsOfMessage("ack")(ack)).toBe(true);
  first.ack(ack.cursor);
  await first.untilRead();
  await first.leave();
  await world.publish([{ id: "a2", userId: "u2" }]);
  const second = new WsClient(gateway.url, { token, device: "phone" });
  expect(await second.hello()).toMatchObject({ recovered: true });
  await second.untilIds(["a2"]);
});

it("the channels are where the gateway answers, with its close codes", async () => {
  const { channels } = readAsyncApi();
  const { webSocket, sse } = channels;
  const codes = Object.keys(webSocket?.["x-close-codes"] ?? {}).map(Number);
  const long = new WsClient(gateway.url, { token: await tokenOf("u3") });
  await long.hello();
  long.socket.send("x".repeat(16 * 1024 + 1));
  const own = new Set<number>(Object.values(closeCode));
  expect(new Set(codes)).toEqual(own.add(await long.untilClosed()));
  expect((await fetch(`${gateway.url}${webSocket?.address}`)).status).toBe(426);
  expect((await fetch(`${gateway.url}${sse?.address}`)).status).toBe(401);
});
