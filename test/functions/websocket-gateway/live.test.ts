/** What a connected client sees. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { SseClient, WsClient } from "./fixture/client.ts";
import { idsOf, manyEvents, type RunningGateway, tokenOf, World } from "./fixture/world.ts";

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
