/** Where an attempt goes: to a function of the runner by its door, to any other address by HTTP. */
import { expect, onTestFinished, test } from "vitest";
import { openHttpSender } from "../../../../local/knative/delivery/http-sender.ts";
import type { Call, Door } from "../../../../local/process/front/door.ts";
import { startScriptedSink } from "../scripted-sink.ts";

const own = "http://127.0.0.1:8003/";
const message = {
  headers: { "ce-id": "e1", "content-type": "text/plain" },
  body: Buffer.from("x"),
};
const taken = { status: 204, rawHeaders: ["Ce-Kind", "a", "ce-kind", "b"], body: Buffer.alloc(0) };

/** What it was called for is kept. */
function startSender(door: Door) {
  const calls: Call[] = [];
  const sender = openHttpSender({
    doorOf: ({ host }) => (host === "127.0.0.1:8003" ? keep : undefined),
  });
  const keep: Door = (call) => {
    calls.push(call);
    return door(call);
  };
  onTestFinished(() => sender[Symbol.dispose]());
  return { sender, calls };
}

test("the function's own address is its door, another one is asked over the network", async () => {
  const { sender, calls } = startSender(() => Promise.resolve(taken));
  await using sink = await startScriptedSink([{ status: 202 }]);
  expect(await sender.send(own, message, 5_000)).toEqual({
    status: 204,
    headers: new Map([["ce-kind", "b"]]),
    body: Buffer.alloc(0),
  });
  expect(await sender.send(sink.url, message, 5_000)).toMatchObject({ status: 202 });
  expect(calls).toMatchObject([{ method: "POST", ...message }]);
  expect(sink.received.map(({ headers }) => headers["ce-id"])).toEqual(["e1"]);
});

test("a redirect leads from the door to wherever it points, and back", async () => {
  const { sender, calls } = startSender(({ url }) =>
    Promise.resolve(
      url.pathname === "/"
        ? { ...taken, status: 303, rawHeaders: ["Location", "/moved?to=1"] }
        : taken,
    ),
  );
  expect(await sender.send(own, message, 5_000)).toMatchObject({ status: 204, isRedirected: true });
  expect(calls.map(({ method, url }) => `${method} ${url.href}`)).toEqual([
    `POST ${own}`,
    `GET ${own}moved?to=1`,
  ]);
});

test("there is no answer where the time of the attempt is over, and the door is told", async () => {
  const { sender, calls } = startSender(
    ({ end }) =>
      new Promise((_, reject) => {
        end.signal.addEventListener("abort", () => reject(new Error("given up")));
      }),
  );
  expect(await sender.send(own, message, 20)).toMatchObject({ status: null });
  expect(calls[0]?.end.signal.aborted).toBe(true);
});

test("a sender has 100 requests under way, as over its connections", async () => {
  const held = Promise.withResolvers<typeof taken>();
  const { sender, calls } = startSender(() => held.promise);
  const sent = Array.from({ length: 120 }, () => sender.send(own, message, 5_000));
  await expect.poll(() => calls.length).toBe(100);
  held.resolve(taken);
  expect(await Promise.all(sent)).toHaveLength(120);
  expect(calls).toHaveLength(120);
});
