/** Named devices resume where they acknowledged, and are one connection at a time. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { WsClient } from "./fixture/client.ts";
import { idsOf, manyEvents, tokenOf, World } from "./fixture/world.ts";

let world: World;
let token: string;
beforeEach(async () => {
  world = await World.start();
  token = await tokenOf("u1");
});
afterEach(() => world[Symbol.asyncDispose]());

it("resumes after the last ack, not after what was written, and over a restart", async () => {
  const gateway = await world.gateway();
  const phone = new WsClient(gateway.url, { token, device: "phone" });
  expect(await phone.hello()).toEqual({ type: "hello", cursor: expect.any(String) });
  const events = manyEvents(9);
  await world.publish(events);
  await phone.untilIds(idsOf(events));
  const acked = phone.events[3];
  // Later acks of older frames move nothing back.
  phone.ack(acked?.cursor ?? "");
  phone.ack(phone.events[1]?.cursor ?? "");
  const rest = phone.ids.slice(4);
  await phone.leave();
  await gateway.stop();
  await world.publish([{ id: "while away" }]);
  const again = await world.gateway();
  const back = new WsClient(again.url, { token, device: "phone" });
  expect(await back.hello()).toMatchObject({ recovered: true });
  await back.untilIds([...rest, "while away"]);
  const tablet = new WsClient(again.url, { token, device: "tablet" });
  expect(await tablet.hello()).not.toHaveProperty("recovered");
  const other = new WsClient(again.url, { token: await tokenOf("u2"), device: "phone" });
  expect(await other.hello()).not.toHaveProperty("recovered");
});

it("takes the client's own cursor before the kept one", async () => {
  const gateway = await world.gateway();
  const phone = new WsClient(gateway.url, { token, device: "phone" });
  const { cursor } = await phone.hello();
  await world.publish([{ id: "one" }]);
  await phone.untilIds(["one"]);
  phone.ack(phone.lastCursor);
  await phone.leave();
  const back = new WsClient(gateway.url, { token, device: "phone", cursor });
  expect(await back.hello()).toMatchObject({ cursor, recovered: true });
  await back.untilIds(["one"]);
});

it("closes the connection that a device had before, with its last ack kept", async () => {
  const gateway = await world.gateway();
  const first = new WsClient(gateway.url, { token, device: "phone" });
  await first.hello();
  await world.publish([{ id: "one" }, { id: "two" }]);
  await first.untilIds(["one", "two"]);
  first.ack(first.events[0]?.cursor ?? "");
  await first.untilRead();
  const second = new WsClient(gateway.url, { token, device: "phone" });
  expect(await second.hello()).toMatchObject({ recovered: true });
  expect(await first.untilClosed()).toBe(4009);
  await second.untilIds(["two"]);
});

it("closes it at another replica too, at the latest with its next ack", async () => {
  const [one, two] = await Promise.all([world.gateway("gateway-0"), world.gateway("gateway-1")]);
  const first = new WsClient(one.url, { token, device: "phone" });
  await first.hello();
  const second = new WsClient(two.url, { token, device: "phone" });
  await second.hello();
  await world.publish([{ id: "one" }]);
  await first.untilIds(["one"]);
  first.ack(first.lastCursor);
  expect(await first.untilClosed()).toBe(4009);
  await second.untilIds(["one"]);
  await second.leave();
  const third = new WsClient(two.url, { token, device: "phone" });
  expect(await third.hello()).not.toHaveProperty("recovered");
});

it("says recovered: false to a device while redis-state is away; everything else goes on", async () => {
  const gateway = await world.gateway();
  const plain = new WsClient(gateway.url, { token });
  const { cursor } = await plain.hello();
  await gateway.sidecar[Symbol.asyncDispose]();
  const phone = new WsClient(gateway.url, { token, device: "phone" });
  expect(await phone.hello()).toMatchObject({ recovered: false });
  const resumed = new WsClient(gateway.url, { token, cursor });
  expect(await resumed.hello()).toMatchObject({ recovered: true });
  const authorization = `Bearer ${token}`;
  const presence = await fetch(`${gateway.url}/presence`, { headers: { authorization } });
  expect(presence.status).toBe(503);
});

it("goes on as the device, and keeps its acks, when redis-state is back", async () => {
  const gateway = await world.gateway();
  const before = new WsClient(gateway.url, { token, device: "phone" });
  await before.hello();
  await before.leave();
  const { httpPort } = gateway.sidecar;
  await gateway.sidecar[Symbol.asyncDispose]();
  const phone = new WsClient(gateway.url, { token, device: "phone" });
  expect(await phone.hello()).toMatchObject({ recovered: false });
  await world.sidecar("gateway-0", () => Number(new URL(gateway.url).port), httpPort);
  await world.publish([{ id: "one" }, { id: "two" }]);
  await phone.untilIds(["one", "two"]);
  phone.ack(phone.events[0]?.cursor ?? "");
  await phone.untilRead();
  const back = new WsClient(gateway.url, { token, device: "phone" });
  expect(await back.hello()).toMatchObject({ recovered: true });
  await back.untilIds(["two"]);
  expect(await phone.untilClosed()).toBe(4009);
});

it("knows who is connected, at all replicas, and who has left", async () => {
  const [one, two] = await Promise.all([world.gateway("gateway-0"), world.gateway("gateway-1")]);
  const phone = new WsClient(one.url, { token, device: "phone" });
  const tablet = new WsClient(two.url, { token, device: "tablet" });
  await Promise.all([phone.hello(), tablet.hello()]);
  const online = async () => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${two.url}/presence`, { headers });
    const { connections } = (await answer.json()) as { connections: { device: string }[] };
    return connections.map(({ device }) => device).sort();
  };
  await expect.poll(online, { timeout: 10_000 }).toEqual(["phone", "tablet"]);
  await tablet.leave();
  await expect.poll(online, { timeout: 10_000 }).toEqual(["phone"]);
});
