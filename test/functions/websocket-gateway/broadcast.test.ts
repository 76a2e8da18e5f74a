/** How often a replica writes to its peers. */
import { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { Broadcast } from "../../../functions/websocket-gateway/peer/broadcast.ts";
import { webSocketEncoding } from "../../../functions/websocket-gateway/peer/frame.ts";
import { Outbox } from "../../../functions/websocket-gateway/peer/outbox.ts";
import type { Peer } from "../../../functions/websocket-gateway/peer/peer.ts";

const event = (id: string) => ({ userId: "u1", text: Buffer.from(`{"id":"${id}"}`), place: null });

/** Each write to its socket takes as long as those to a thousand others. */
function openBroadcast(writeMs: number) {
  const writes: string[] = [];
  const sink = new Writable({
    write: (bytes: Buffer, _, done) => {
      writes.push(bytes.toString("latin1"));
      for (const end = performance.now() + writeMs; performance.now() < end;);
      done();
    },
  });
  const limits = { frames: 100, bytes: 100_000, stallMs: 1_000 };
  const outbox = new Outbox(sink, limits, () => undefined);
  const peer = {
    view: { userId: "u1", hasUnowned: false },
    encoding: webSocketEncoding,
    outbox,
  } as Peer;
  const broadcast = new Broadcast({
    head: () => [0],
    sign: () => "cursor",
    onFrames: () => undefined,
    windowMs: { min: 0, max: 60_000 },
  });
  broadcast.join(peer, [0]);
  return { broadcast, writes };
}

it("the first event of a quiet time is written at once", async () => {
  const { broadcast, writes } = openBroadcast(0);
  broadcast.publish(event("e1"));
  await nextTurn();
  await nextTurn();
  expect(writes).toEqual([expect.stringContaining("e1")]);
});

it("what comes after a write that took long waits for what comes next, and is written with it", async () => {
  const { broadcast, writes } = openBroadcast(50);
  broadcast.publish(event("e1"));
  await expect.poll(() => writes).toHaveLength(1);
  broadcast.publish(event("e2"));
  await nextTurn();
  await nextTurn();
  broadcast.publish(event("e3"));
  await expect.poll(() => writes).toHaveLength(2);
  expect(writes[1]).toMatch(/"e2".*"e3"/);
});
