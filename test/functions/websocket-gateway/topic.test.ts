/** How records become events in the ring, whatever the topic and the sidecar do. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { WsClient } from "./fixture/client.ts";
import {
  idsOf,
  manyEvents,
  partitions,
  type RunningGateway,
  tokenOf,
  topic,
  World,
} from "./fixture/world.ts";

let world: World;
let token: string;
beforeEach(async () => {
  world = await World.start();
  token = await tokenOf("u1");
});
afterEach(() => world[Symbol.asyncDispose]());

async function connected(gateway: RunningGateway): Promise<WsClient> {
  const client = new WsClient(gateway.url, { token });
  await client.hello();
  return client;
}

const data = { task_id: "t1", user_id: "u1", payload: { title: "Milk" } };

it("names a plain record by its place and an enveloped event by its own id", async () => {
  const gateway = await world.gateway();
  const client = await connected(gateway);
  const at = await world.produce({
    value: JSON.stringify({
      event_type: "task.created",
      ...data,
      timestamp: "2026-01-01T00:00:00Z",
    }),
    key: "t1",
  });
  const envelope = { specversion: "1.0", id: "own", source: "/dapr", type: "task.created", data };
  await world.produce({ value: JSON.stringify(envelope) });
  await expect.poll(() => client.ids.length).toBe(2);
  const [plain, enveloped] = client.events.map(({ event }) => event);
  expect(plain).toMatchObject({
    source: `/kafka/${topic}`,
    type: "task.created",
    time: "2026-01-01T00:00:00Z",
  });
  expect(plain?.id).toMatch(new RegExp(`^0/${at}@\\d+$`));
  expect(enveloped).toMatchObject({ source: "/dapr", id: "own" });
  const again = await world.gateway("gateway-1");
  const resumed = new WsClient(again.url, { token, cursor: client.frames[0]?.cursor ?? "" });
  await resumed.untilIds(client.ids);
});

it("passes over what is no event, and what breaks the contract", async () => {
  const gateway = await world.gateway();
  const client = await connected(gateway);
  await world.produce({ value: "no json" });
  await world.produce({ value: null });
  await world.produce({ value: JSON.stringify({ type: "task.created", user_id: "u1" }) });
  await world.produce({ value: JSON.stringify({ ...data, type: "task.unknown" }) });
  await world.publish([{ id: "good" }]);
  await expect.poll(() => client.ids.length).toBe(2);
  expect(client.ids.at(-1)).toBe("good");
  expect(gateway.function.resources.tail.ring.head[0]).toBe(5);
});

it("shows an event once although it is on the topic twice, also to those who resume", async () => {
  const gateway = await world.gateway();
  const client = await connected(gateway);
  await world.publish([
    { id: "once" },
    { id: "once", partition: 1 },
    { id: "once", source: "/other" },
  ]);
  await world.publish([{ id: "last" }]);
  await client.untilIds(["once", "once", "last"]);
  const resumed = new WsClient(gateway.url, { token, cursor: client.frames[0]?.cursor ?? "" });
  expect(await resumed.hello()).toMatchObject({ recovered: true });
  await resumed.untilIds(["once", "once", "last"]);
});

it("shows an event that is POSTed to it at once, and not again when its record comes", async () => {
  const gateway = await world.gateway();
  const before = await connected(gateway);
  const event = { specversion: "1.0", id: "posted", source: "/test", type: "task.created", data };
  const post = (body: object) =>
    fetch(gateway.url, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify(body),
    }).then(({ status }) => status);
  expect(await post(event)).toBe(204);
  expect(await post(event)).toBe(204);
  expect(await post({ ...event, id: "bad", data: {} })).toBe(422);
  await before.untilIds(["posted"]);
  expect(before.lastCursor).toBe(before.frames[0]?.cursor);
  const after = await connected(gateway);
  await world.publish([{ id: "posted" }, { id: "next" }]);
  await before.untilIds(["posted", "next"]);
  await after.untilIds(["posted", "next"]);
});

it("takes deliveries only from who knows APP_API_TOKEN, where it is set", async () => {
  const gateway = await world.gateway("gateway-0", { appApiToken: "sesame" });
  const post = (path: string, headers: Record<string, string>) =>
    fetch(`${gateway.url}${path}`, { method: "POST", headers, body: "{}" }).then(
      ({ status }) => status,
    );
  expect(await post("/dapr/task-events", {})).toBe(403);
  expect(await post("/dapr/task-events", { "dapr-api-token": "wrong" })).toBe(403);
  expect(await post("/dapr/task-events", { "dapr-api-token": "sesame" })).toBe(400);
  expect(await post("/", {})).toBe(401);
  expect(await post("/", { "dapr-api-token": "sesame" })).toBe(400);
});

it("reads what the sidecar skipped, in order, and does not believe a record's own __offset", async () => {
  const gateway = await world.gateway();
  const client = await connected(gateway);
  await world.publish([{ id: "a" }]);
  await client.untilIds(["a"]);
  // Its header takes the place of the true offset; the sidecar believes it.
  await world.produce({
    value: JSON.stringify({ type: "task.created", ...data }),
    headers: { __offset: "999" },
  });
  await world.publish([{ id: "b" }, { id: "c" }]);
  await expect.poll(() => client.ids.length).toBe(4);
  expect([client.ids[0], ...client.ids.slice(2)]).toEqual(["a", "b", "c"]);
  expect(client.ids[1]).toMatch(/^0\/1@/);
  expect(gateway.function.resources.tail.ring.head[0]).toBe(4);
});

it("loses nothing when the app alone is restarted, or the sidecar alone", async () => {
  const first = await world.gateway();
  const { cursor } = await (await connected(first)).hello();
  const port = Number(new URL(first.url).port);
  await first.stop("app");
  const missed = manyEvents(200, "app");
  await world.publish(missed);
  const again = await world.gateway("gateway-0", {}, { sidecar: first.sidecar, port });
  const client = new WsClient(again.url, { token, cursor });
  expect(await client.hello()).toMatchObject({ recovered: true });
  await client.untilIds(idsOf(missed));
  await world.publish([{ id: "live after app" }]);
  await client.untilIds([...idsOf(missed), "live after app"]);
  await again.sidecar[Symbol.asyncDispose]();
  const between = manyEvents(50, "sidecar");
  await world.publish(between);
  await world.sidecar("gateway-0", () => port);
  await client.untilIds([...idsOf(missed), "live after app", ...idsOf(between)]);
});

it("sets its group to the end before it listens, where it was left far behind", async () => {
  const first = await world.gateway();
  await first.stop();
  await world.publish(manyEvents(300));
  const again = await world.gateway();
  const admin = openKafka({ brokers: world.kafka.address, clientId: "test" }).admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({ groupId: "gateway-0", topics: [topic] });
  await admin.disconnect();
  expect(found?.partitions.map(({ offset }) => offset)).toEqual(Array(partitions).fill("100"));
  expect(again.function.resources.tail.ring.size).toBe(300);
});

/** A client that has seen all events of a topic that is going to be made anew. */
async function withOldEvents(gateway: RunningGateway, count: number): Promise<WsClient> {
  const client = await connected(gateway);
  const events = manyEvents(count, "old");
  await world.publish(events);
  await client.untilIds(idsOf(events));
  return client;
}

async function makeAnew(): Promise<void> {
  const admin = openKafka({ brokers: world.kafka.address, clientId: "test" }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
  await admin.disconnect();
}

it("begins anew when the topic is made anew: peers are closed, and their cursors are not recovered", async () => {
  const gateway = await world.gateway();
  const client = await withOldEvents(gateway, 60);
  await makeAnew();
  world.audit.generation = "generation-2";
  const publishing = setInterval(
    () => void world.publish([{ id: `new ${Math.random()}` }]).catch(() => undefined),
    200,
  );
  try {
    expect(await client.untilClosed()).toBe(1012);
  } finally {
    clearInterval(publishing);
  }
  const back = new WsClient(gateway.url, { token, cursor: client.lastCursor });
  expect(await back.hello()).toMatchObject({ recovered: false });
  await world.publish([{ id: "new life", partition: 2 }]);
  await expect.poll(() => back.ids).toContain("new life");
});

/** The gateway has read it, from the place on where the topic before ended. Not all of it: a consumer may skip to an end. */
async function makeLongerAnew(gateway: RunningGateway): Promise<void> {
  await makeAnew();
  await world.publish(manyEvents(120, "new"));
  const head = () => gateway.function.resources.tail.ring.head;
  await expect.poll(head).toContain(120 / partitions);
}

it("begins anew also when the topic that was made anew is longer and was read on, and its name is still that of the one before", async () => {
  const gateway = await world.gateway();
  const client = await withOldEvents(gateway, 12);
  const cursor = client.lastCursor;
  await makeLongerAnew(gateway);

  // It may be closed too, where its coming is what tells that the topic is another one.
  const resumed = await new WsClient(gateway.url, { token, cursor }).hello().catch(String);
  expect(await client.untilClosed()).toBe(1012);
  if (typeof resumed === "string") expect(resumed).toContain("no hello but close 1012");
  else expect(resumed).toMatchObject({ recovered: false });
  const again = new WsClient(gateway.url, { token, cursor });
  expect(await again.hello()).toMatchObject({ recovered: false });
  await world.publish([{ id: "new life" }]);
  await expect.poll(() => again.ids).toContain("new life");
  world.audit.generation = "generation-2";
  await expect.poll(() => gateway.function.resources.generation.name).toBe("generation-2");
});

it("sees by itself that the topic is another one, though nothing comes any more", async () => {
  const gateway = await world.gateway();
  const client = await withOldEvents(gateway, 12);
  await makeLongerAnew(gateway);
  expect(await client.untilClosed()).toBe(1012);
});

it("does not take a record of the future for a topic that was made anew", async () => {
  const future = String(Date.now() + 3_000_000);
  await world.produce({
    value: JSON.stringify({ type: "task.created", ...data }),
    timestamp: future,
  });
  await world.publish(manyEvents(300, "old"));
  const gateway = await world.gateway("gateway-0", { ringEvents: 120 });
  const client = await connected(gateway);
  await world.publish([{ id: "live" }]);
  await client.untilIds(["live"]);
  const resumed = new WsClient(gateway.url, { token, cursor: client.frames[0]?.cursor ?? "" });
  expect(await resumed.hello()).toMatchObject({ recovered: true });
  await resumed.untilIds(["live"]);
});
