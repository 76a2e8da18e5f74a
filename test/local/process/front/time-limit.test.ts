/** The three time limits of a revision, as queue-proxy and activator keep them. */
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
} from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { Activator } from "../../../../local/process/front/activator.ts";
import { openDoor } from "../../../../local/process/front/door.ts";
import { openFront } from "../../../../local/process/front/front-server.ts";
import { listenOnLoopback } from "../../../../local/process/front/front.ts";
import { policyOf } from "../../../../local/process/front/load-balancing.ts";
import type { TimeLimit } from "../../../../local/process/front/time-limit.ts";

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
  return { port: front.port, door: openDoor(activator, limit), replica };
}

type Opened = Awaited<ReturnType<typeof open>>;

type Way = (opened: Opened) => Promise<[number | undefined, string]>;

const throughThePort: Way = async ({ port }) => {
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host: `localhost:${String(port)}` };
    request({ host: "127.0.0.1", port, headers, agent: false }, resolve).on("error", reject).end();
  });
  return [res.statusCode, await text(res)];
};

const byTheDoor: Way = async ({ port, door }) => {
  const url = new URL(`http://127.0.0.1:${String(port)}/`);
  const call = { method: "GET", url, headers: {}, body: null, end: new AbortController() } as const;
  const { status, body } = await door(call);
  return [status, body.toString()];
};

const never: RequestListener = () => undefined;
const LATE: [number, string] = [504, "activator request timeout"];

describe.each([
  ["through the front port", throughThePort],
  ["by the door", byTheDoor],
])("%s", (_, answerOf) => {
  it("answers 504 where the function has not answered by timeoutSeconds, and frees its place", async () => {
    const opened = await open({ timeoutMs: 50 }, never);
    expect(await answerOf(opened)).toEqual(LATE);
    await expect.poll(() => opened.replica.inFlight).toBe(0);
  });

  it("answers the same where no process is ready by then", async () => {
    expect((await answerOf(await open({ timeoutMs: 50 })))[0]).toBe(504);
  });

  it("ends an answer that has begun at timeoutSeconds too, with the sentence at its end", async () => {
    const opened = await open({ timeoutMs: 80 }, (_, res) => res.write("half"));
    expect(await answerOf(opened)).toEqual([200, "halfactivator request timeout"]);
  });

  it("breaks an answer of a known length off there", async () => {
    const opened = await open({ timeoutMs: 80 }, (_, res) => {
      res.writeHead(200, { "content-length": "100" }).write("half");
    });
    await expect(answerOf(opened)).rejects.toThrow(/aborted|activator request timeout/);
  });

  it("lets an answer that began by responseStartTimeoutSeconds go on, and no other", async () => {
    const limit = { timeoutMs: 5_000, responseStartMs: 60 };
    const begun = await open(limit, (_, res) => {
      res.write("begun,");
      setTimeout(() => res.end("done"), 200);
    });
    expect(await answerOf(begun)).toEqual([200, "begun,done"]);
    expect(await answerOf(await open(limit, never))).toEqual(LATE);
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
    expect(await answerOf(steady)).toEqual([200, "x".repeat(12)]);
    const silent = await open(limit, (_, res) => res.write("x"));
    expect(await answerOf(silent)).toEqual([200, "xactivator request timeout"]);
    expect(await answerOf(await open(limit, never))).toEqual(LATE);
  });
});
