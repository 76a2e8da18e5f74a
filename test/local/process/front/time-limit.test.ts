/** The three time limits of a revision, as queue-proxy and activator keep them. */
import { createServer, request, type IncomingMessage, type RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import { Activator } from "../../../../local/process/front/activator.ts";
import { openFront } from "../../../../local/process/front/front-server.ts";
import { listenOnLoopback } from "../../../../local/process/front/front.ts";
import { policyOf } from "../../../../local/process/front/load-balancing.ts";
import type { TimeLimit } from "../../../../local/process/front/time-limit.ts";
import { Agent } from "node:http";

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

/** A front before one process that answers by `listener`; undefined: none is ready. */
async function open(limit: TimeLimit, listener?: RequestListener) {
  const app = createServer(listener);
  const agent = new Agent();
  const appPort = await listenOnLoopback(app, 0);
  const replica = { ordinal: 0, port: appPort, agent, inFlight: 0, isReady: true, gone: false };
  const activator = new Activator({
    ready: () => (listener === undefined ? [] : [replica]),
    policy: policyOf(0),
    timeoutMs: limit.timeoutMs,
  });
  const front = await openFront({ port: 0, activator, limit });
  stops.push(() => {
    for (const server of [app, front.server]) server.close().closeAllConnections();
    agent.destroy();
  });
  return { port: front.port, replica };
}

const call = (port: number) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host: `localhost:${String(port)}` };
    request({ host: "127.0.0.1", port, headers, agent: false }, resolve).on("error", reject).end();
  });

async function answerOf(port: number): Promise<[number | undefined, string]> {
  const res = await call(port);
  return [res.statusCode, await text(res)];
}

const never: RequestListener = () => undefined;
const LATE: [number, string] = [504, "activator request timeout"];

it("answers 504 where the function has not answered by timeoutSeconds, and frees its place", async () => {
  const { port, replica } = await open({ timeoutMs: 50 }, never);
  expect(await answerOf(port)).toEqual(LATE);
  await expect.poll(() => replica.inFlight).toBe(0);
});

it("answers the same where no process is ready by then", async () => {
  const { port } = await open({ timeoutMs: 50 });
  expect((await answerOf(port))[0]).toBe(504);
});

it("ends an answer that has begun at timeoutSeconds too, with the sentence at its end", async () => {
  const { port } = await open({ timeoutMs: 80 }, (_, res) => res.write("half"));
  expect(await answerOf(port)).toEqual([200, "halfactivator request timeout"]);
});

it("breaks an answer of a known length off there", async () => {
  const { port } = await open({ timeoutMs: 80 }, (_, res) => {
    res.writeHead(200, { "content-length": "100" }).write("half");
  });
  await expect(call(port).then(text)).rejects.toThrow("aborted");
});

it("lets an answer that began by responseStartTimeoutSeconds go on, and no other", async () => {
  const limit = { timeoutMs: 5_000, responseStartMs: 60 };
  const begun = await open(limit, (_, res) => {
    res.write("begun,");
    setTimeout(() => res.end("done"), 200);
  });
  expect(await answerOf(begun.port)).toEqual([200, "begun,done"]);
  expect(await answerOf((await open(limit, never)).port)).toEqual(LATE);
});

it("ends an answer after idleTimeoutSeconds without a byte, not one that goes on", async () => {
  const limit = { timeoutMs: 5_000, idleMs: 200 };
  const steady = await open(limit, (_, res) => {
    let count = 0;
    const timer = setInterval(() => {
      res.write("x");
      count += 1;
      if (count < 12) return;
      clearInterval(timer);
      res.end();
    }, 40);
  });
  expect(await answerOf(steady.port)).toEqual([200, "x".repeat(12)]);
  const silent = await open(limit, (_, res) => res.write("x"));
  expect(await answerOf(silent.port)).toEqual([200, "xactivator request timeout"]);
  expect(await answerOf((await open(limit, never)).port)).toEqual(LATE);
});
