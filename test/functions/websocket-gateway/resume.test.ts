/** A client that comes back with its cursor gets what it missed, or is told that it cannot. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type EventFrame, SseClient, WsClient } from "./fixture/client.ts";
import { idsOf, manyEvents, type RunningGateway, tokenOf, World } from "./fixture/world.ts";

let world: World;
let token: string;
beforeEach(async () => {
  world = await World.start();
  token = await tokenOf("u1");
});
afterEach(() => world[Symbol.asyncDispose]());

/** A ring so small that what was missed is in audit-log alone. */
const smallRing = { ringEvents: 100 };

/** Sees one event and leaves: its cursor. */
async function cursorAt(gateway: RunningGateway, id = "seen"): Promise<string> {
  const client = new WsClient(gateway.url, { token });
  await client.hello();
  await world.publish([{ id }]);
  await client.untilIds([id]);
  await client.leave();
  return client.lastCursor;
}

/** Until the ring has had so many records. */
const untilFollowed = async (gateway: RunningGateway, records: number) => {
  await expect
    .poll(() => gateway.function.resources.tail.ring.head.reduce((sum, offset) => sum + offset), {
      timeout: 15_000,
    })
    .toBe(records);
};

/** The events of each task in the order of the topic, and no cursor twice. */
function expectInOrder(events: readonly EventFrame[], prefix: string): void {
  const lastOf = new Map<string, number>();
  for (const { event } of events) {
    const { task_id: task } = event.data as { task_id: string };
    const number = Number(event.id.slice(prefix.length));
    expect(number).toBeGreaterThan(lastOf.get(task) ?? -1);
    lastOf.set(task, number);
  }
  expect(new Set(events.map(({ cursor }) => cursor)).size).toBe(events.length);
}

/** Gets exactly these, then what happens. */
async function resume(gateway: RunningGateway, cursor: string, ids: readonly string[]) {
  const client = new WsClient(gateway.url, { token, cursor });
  const { recovered } = await client.hello();
  await client.untilIds(ids);
  await world.publish([{ id: "then live" }]);
  await client.untilIds([...ids, "then live"]);
  return { client, recovered };
}

/** Gets what happens from now on alone. */
async function resumeInVain(gateway: RunningGateway, cursor: string, id = "from now") {
  const client = new WsClient(gateway.url, { token, cursor });
  const { recovered } = await client.hello();
  await world.publish([{ id }]);
  await client.untilIds([id]);
  return { recovered };
}

it("sends the 1,000 events that were missed, in order a task, then live ones", async () => {
  const gateway = await world.gateway();
  const cursor = await cursorAt(gateway);
  const missed = manyEvents(1000);
  await world.publish([...missed, ...manyEvents(50, "other", "u2")]);
  const { client, recovered } = await resume(gateway, cursor, idsOf(missed));
  expect(recovered).toBe(true);
  expectInOrder(client.events.slice(0, -1), "e");
});

it("resumes from any cursor that came with an event", async () => {
  const gateway = await world.gateway();
  const first = new WsClient(gateway.url, { token });
  await first.hello();
  const events = manyEvents(60);
  await world.publish(events);
  await first.untilIds(idsOf(events));
  for (const at of [0, 17, 41, 59]) {
    const seen = first.events.slice(0, at + 1);
    const rest = first.ids.slice(at + 1);
    const again = new WsClient(gateway.url, { token, cursor: seen.at(-1)?.cursor ?? "" });
    expect(await again.hello()).toMatchObject({ recovered: true });
    await again.untilIds(rest);
  }
});

it("resumes a client that has seen no event yet, by the cursor of its hello", async () => {
  const gateway = await world.gateway();
  const client = new WsClient(gateway.url, { token });
  const { cursor } = await client.hello();
  await client.leave();
  await world.publish([{ id: "missed" }]);
  expect(await resume(gateway, cursor, ["missed"])).toMatchObject({ recovered: true });
});

it("resumes after a restart of app and sidecar, and from events that came meanwhile", async () => {
  const gateway = await world.gateway();
  const cursor = await cursorAt(gateway);
  const before = manyEvents(300, "before");
  await world.publish(before);
  await gateway.stop();
  const between = manyEvents(300, "between");
  await world.publish(between);
  const again = await world.gateway();
  expect(await resume(again, cursor, [...idsOf(before), ...idsOf(between)])).toMatchObject({
    recovered: true,
  });
});

it("resumes from audit-log where the ring does not reach back, page by page", async () => {
  const gateway = await world.gateway("gateway-0", smallRing);
  const cursor = await cursorAt(gateway);
  const missed = manyEvents(1000);
  await world.publish(missed);
  await untilFollowed(gateway, 1001);
  const { client, recovered } = await resume(gateway, cursor, idsOf(missed));
  expect(recovered).toBe(true);
  expectInOrder(client.events.slice(0, -1), "e");
  expect(client.texts.at(-2)).toContain('"big":12345678901234567890.0');
});

it("loses nothing while the ring moves on under a client that catches up", async () => {
  const gateway = await world.gateway("gateway-0", smallRing);
  const cursor = await cursorAt(gateway);
  const missed = manyEvents(600);
  await world.publish(missed);
  const client = new WsClient(gateway.url, { token, cursor });
  const meanwhile = manyEvents(1500, "meanwhile");
  await world.publish(meanwhile);
  expect(await client.hello()).toMatchObject({ recovered: true });
  await client.untilIds([...idsOf(missed), ...idsOf(meanwhile)]);
});

it("resumes at another replica", async () => {
  const [first, second] = await Promise.all([
    world.gateway("gateway-0"),
    world.gateway("gateway-1"),
  ]);
  const cursor = await cursorAt(first);
  const missed = manyEvents(200);
  await world.publish(missed);
  expect(await resume(second, cursor, idsOf(missed))).toMatchObject({ recovered: true });
});

it("skips what a client already has that is ahead of this replica", async () => {
  const [ahead, behind] = await Promise.all([
    world.gateway("gateway-0"),
    world.gateway("gateway-1"),
  ]);
  const { tail } = behind.function.resources;
  const gate = Promise.withResolvers<void>();
  const accept = tail.accept.bind(tail);
  vi.spyOn(tail, "accept").mockImplementation((record) => gate.promise.then(() => accept(record)));
  const cursor = await cursorAt(ahead, "seen ahead");
  const client = new WsClient(behind.url, { token, cursor });
  expect(await client.hello()).toEqual({ type: "hello", cursor, recovered: true });
  gate.resolve();
  await world.publish([{ id: "new", partition: 1 }]);
  await client.untilIds(["new"]);
  expect(behind.function.resources.codec.verify(client.lastCursor)?.offsets).toEqual([1, 1, 0]);
});

it("waits for an audit-log that lags", async () => {
  const gateway = await world.gateway("gateway-0", smallRing);
  const cursor = await cursorAt(gateway);
  world.audit.isLagging = true;
  const missed = manyEvents(500);
  await world.publish(missed);
  await untilFollowed(gateway, 501);
  const asked = world.audit.requests;
  const client = new WsClient(gateway.url, { token, cursor });
  await expect.poll(() => world.audit.requests, { timeout: 8_000 }).toBeGreaterThan(asked + 2);
  expect(client.frames).toEqual([]);
  world.audit.catchUp();
  expect(await client.hello()).toMatchObject({ recovered: true });
  await client.untilIds(idsOf(missed));
});

it(
  "says recovered: false after 10 s where audit-log has a hole, or is away",
  { timeout: 40_000 },
  async () => {
    const gateway = await world.gateway("gateway-0", smallRing);
    const cursor = await cursorAt(gateway);
    await world.publish(manyEvents(500));
    await untilFollowed(gateway, 501);
    world.audit.lose(1, 20);
    expect(await resumeInVain(gateway, cursor)).toEqual({ recovered: false });
    world.audit.isDown = true;
    expect(await resumeInVain(gateway, cursor, "from now again")).toEqual({ recovered: false });
  },
);

it("needs no audit-log where the ring reaches back", async () => {
  const gateway = await world.gateway();
  const cursor = await cursorAt(gateway);
  await world.publish([{ id: "missed" }]);
  world.audit.isDown = true;
  expect(await resume(gateway, cursor, ["missed"])).toMatchObject({ recovered: true });
});

it("says recovered: false to forged, foreign and garbled cursors, and to those of another generation", async () => {
  const gateway = await world.gateway();
  const { codec } = gateway.function.resources;
  const good = await cursorAt(gateway);
  const forged = `${good.startsWith("A") ? "B" : "A"}${good.slice(1)}`;
  for (const cursor of [forged, "", "x", good.slice(0, -1), `${good}.`, "ä".repeat(50)]) {
    const client = new WsClient(gateway.url, { token, cursor });
    expect(await client.hello()).toMatchObject({ recovered: false });
  }
  expect(await resumeInVain(gateway, codec.sign("another generation", [0, 0, 0]))).toEqual({
    recovered: false,
  });
});

it("gives cursors that outlive the process although audit-log answers only after a while", async () => {
  world.audit.isDown = true;
  const gateway = await world.gateway();
  const client = new WsClient(gateway.url, { token });
  await expect.poll(() => world.audit.requests).toBeGreaterThan(2);
  expect(client.frames).toEqual([]);
  world.audit.isDown = false;
  const { cursor } = await client.hello();
  await gateway.stop();
  await world.publish([{ id: "missed" }]);
  expect(await resume(await world.gateway(), cursor, ["missed"])).toMatchObject({
    recovered: true,
  });
});

it("resumes an event stream by Last-Event-ID, which wins over ?cursor=", async () => {
  const gateway = await world.gateway();
  const old = await cursorAt(gateway, "one");
  const newer = await cursorAt(gateway, "two");
  await world.publish([{ id: "three" }]);
  const authorization = `Bearer ${token}`;
  const byCursor = new SseClient(`${gateway.url}/sse?cursor=${old}`, { authorization });
  expect(await byCursor.hello()).toMatchObject({ recovered: true });
  await byCursor.untilIds(["two", "three"]);
  const headers = { authorization, "last-event-id": newer };
  const byId = new SseClient(`${gateway.url}/sse?cursor=${old}`, headers);
  await byId.untilIds(["three"]);
});
