/** What a connected client sees. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { SseClient, WsClient } from "./fixture/client.ts";
import { type RunningGateway, tokenOf, World } from "./fixture/world.ts";

let world: World;
let gateway: RunningGateway;
beforeAll(async () => {
  world = await World.start();
  gateway = await world.gateway();
});
afterAll(() => world[Symbol.asyncDispose]());

it("shows an event to its user's clients alone, over WebSocket and SSE alike", async () => {
  const token = await tokenOf("u1");
  const own = new WsClient(gateway.url, { token });
  const browser = new WsClient(gateway.url, { token, asBrowser: true });
  const sse = new SseClient(`${gateway.url}/sse`, { authorization: `Bearer ${token}` });
  const other = new WsClient(gateway.url, { token: await tokenOf("u2") });
  for (const client of [own, browser, sse, other]) {
    expect(await client.hello()).toEqual({ type: "hello", cursor: expect.any(String) });
  }
  await world.publish([{ id: "live-1" }, { id: "live-2", userId: "u2" }]);
  await own.untilIds(["live-1"]);
  await browser.untilIds(["live-1"]);
  await sse.untilIds(["live-1"]);
  await other.untilIds(["live-2"]);
  expect(browser.socket.protocol).toBe("task-events.v1");
  expect(sse.messages.map(({ id }) => id)).toEqual(sse.messages.map(({ frame }) => frame.cursor));
  expect(own.events[0]?.event).toMatchObject({
    specversion: "1.0",
    type: "task.created",
    source: "/test",
    subject: "t1",
    datacontenttype: "application/json",
  });
  expect(own.texts[1]).toContain('"big":12345678901234567890.0');
});

it("frames events of every size, and data of several lines", async () => {
  const token = await tokenOf("u3");
  const socket = new WsClient(gateway.url, { token });
  const sse = new SseClient(`${gateway.url}/sse`, { authorization: `Bearer ${token}` });
  await socket.hello();
  await sse.hello();
  const sizes = [1, 120, 65_000, 65_536, 200_000];
  const notes = sizes.map((size) => "ü".repeat(size / 2));
  for (const [at, note] of notes.entries()) {
    await world.publish([{ id: `size-${at}`, userId: "u3", note }]);
  }
  const headers = {
    ce_specversion: "1.0",
    ce_id: "lines",
    ce_source: "/test",
    ce_type: "task.any",
  };
  await world.produce({ headers, value: '{\r\n "task_id": "t1",\n\n "user_id":\r"u3"\n}' });
  const ids = [...sizes.map((_, at) => `size-${at}`), "lines"];
  await socket.untilIds(ids);
  await sse.untilIds(ids);
  for (const { events } of [socket, sse]) {
    const seen = events.map(
      ({ event }) => (event.data as { payload?: { note: string } }).payload?.note,
    );
    expect(seen).toEqual([...notes, undefined]);
    expect(events.at(-1)?.event.data).toEqual({ task_id: "t1", user_id: "u3" });
  }
});
