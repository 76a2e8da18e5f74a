/** What a function answers to an event POST, and with it what Knative does next. */
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { ping } from "../../../lib/events/ping.ts";
import { taskCreated } from "../../../lib/events/task.ts";
import { PermanentError, RetryableError } from "../../../lib/host/error.ts";
import { defineFunction, on, onEverything, type Outcome } from "../../../lib/host/function.ts";
import { startForTest } from "../../support/function.ts";

const body = JSON.stringify({ task_id: "t1", user_id: "u1", payload: {} });
const headers = {
  "content-type": "application/json",
  "ce-specversion": "1.0",
  "ce-id": "e1",
  "ce-source": "/task-app",
  "ce-type": "task.created",
};

type Work = (id: string) => Promise<Outcome | undefined>;

async function start(work: Work = async () => "done", maxInFlight?: number) {
  const seen: string[] = [];
  const running = await startForTest(
    defineFunction({
      name: "example",
      open: async () => ({ [Symbol.asyncDispose]: async () => {} }),
      ...(maxInFlight === undefined ? {} : { maxInFlight }),
      handlers: [
        on(taskCreated, async (event) => {
          seen.push(event.id);
          return work(event.id);
        }),
        on(ping, async () => "done"),
      ],
    }),
  );
  const post = (changes: Record<string, string> = {}, data: string | Buffer = body) =>
    fetch(running.url, { method: "POST", headers: { ...headers, ...changes }, body: data });
  return { ...running, seen, post };
}

describe("the status of an outcome", () => {
  it("is 204 with no body when done", async () => {
    const { post, seen } = await start();
    const response = await post();
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(seen).toEqual(["e1"]);
  });

  it("is 204 for a type that the function does not handle, whatever its data", async () => {
    const { post, seen } = await start();
    expect((await post({ "ce-type": "task.archived" }, "{")).status).toBe(204);
    expect(seen).toEqual([]);
  });

  it("is 422 with a kne-reason for a permanent failure, its text fit for a header", async () => {
    const { post } = await start(async () => {
      throw new PermanentError("rule_broken", "no €\r\nsecond line");
    });
    const response = await post();
    expect(response.status).toBe(422);
    expect(response.headers.get("kne-reason")).toBe("rule_broken: no ? second line");
    expect(await response.json()).toMatchObject({ error: { code: "rule_broken" } });
  });

  it("is 503 where a dependency is down", async () => {
    const { post } = await start(async () => {
      throw new RetryableError("store_unavailable", "the database is not available", {
        retryAfterMs: 1500,
      });
    });
    const response = await post();
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(response.headers.has("kne-reason")).toBe(false);
  });

  it("is 500 without details for a bug", async () => {
    const { post } = await start(async () => {
      throw new Error("password=hunter2");
    });
    const response = await post();
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("hunter2");
  });

  it("is 429 above the bound of events in flight, and the others are not hurt", async () => {
    const gate = Promise.withResolvers<Outcome>();
    const { post } = await start(() => gate.promise, 2);
    const inFlight = [post({ "ce-id": "1" }), post({ "ce-id": "2" })];
    await expect.poll(async () => (await post({ "ce-id": "3" })).status).toBe(429);
    gate.resolve("done");
    expect((await Promise.all(inFlight)).map(({ status }) => status)).toEqual([204, 204]);
  });
});

describe("a batch", () => {
  const event = (id: string, data: object = { task_id: "t1", user_id: "u1" }) => ({
    specversion: "1.0",
    id,
    source: "/task-app",
    type: "task.created",
    data,
  });
  const batch = { "content-type": "application/cloudevents-batch+json" };

  it("commits the good events and names the indexes of the bad", async () => {
    const { post, seen } = await start();
    const events = [event("a"), event("b", {}), 7, event("c")];
    const response = await post(batch, JSON.stringify(events));
    expect(response.status).toBe(422);
    expect(await response.text()).toMatch(/1: data.*2: /s);
    expect(seen.toSorted()).toEqual(["a", "c"]);
  });

  it("is retried as a whole where a retry may help", async () => {
    const { post } = await start(async (id) => {
      if (id === "b") throw new RetryableError("store_unavailable", "down");
      return "done";
    });
    const response = await post(batch, JSON.stringify([event("a"), event("b"), event("c", {})]));
    expect(response.status).toBe(503);
  });

  it("is done when empty", async () => {
    const { post } = await start();
    expect((await post(batch, "[]")).status).toBe(204);
  });
});

describe("requests that are no events", () => {
  it.each([
    ["GET", "/", 405],
    ["PUT", "/", 405],
    ["GET", "/nowhere", 404],
    ["POST", "/nowhere", 404],
  ])("%s %s is answered %i", async (method, path, status) => {
    const { url } = await start();
    const response = await fetch(`${url}${path}`, { method });
    expect(response.status).toBe(status);
  });

  it("answers 413 over 1 MiB and takes the next event on the same server", async () => {
    const { post } = await start();
    expect((await post({}, Buffer.alloc(1024 * 1024 + 1, 0x20))).status).toBe(413);
    expect((await post()).status).toBe(204);
  });

  it.each([12, 1_000])("takes ids of %i KB, as Kafka carries them", async (kilobytes) => {
    const { post, seen } = await start();
    expect((await post({ "ce-id": "x".repeat(kilobytes * 1024) })).status).toBe(204);
    expect(seen[0]).toHaveLength(kilobytes * 1024);
  });

  it.each([
    ["garbage", "\u0000\u0001\u0002\r\n\r\n", "400"],
    [
      "a header section over 1,088 KB",
      `POST / HTTP/1.1\r\nHost: localhost\r\nx: ${"a".repeat(1_200_000)}\r\n\r\n`,
      "431",
    ],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "400",
    ],
    [
      "a bad chunk",
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "400",
    ],
  ])("answers %s with a clean status and lives on", async (_, bytes, status) => {
    const { url, post } = await start();
    expect(await raw(url, bytes)).toContain(`HTTP/1.1 ${status}`);
    expect((await post()).status).toBe(204);
  });

  it("loses nothing but itself when a client goes away in the middle of its body", async () => {
    const { url, post } = await start();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
    expect((await post()).status).toBe(204);
  });
});

describe("health", () => {
  it("has the exact answers that probes and people rely on", async () => {
    const { url } = await start();
    const health = await fetch(`${url}/health`);
    expect(await health.text()).toBe('{"service":"example-service","status":"healthy"}');
    expect((await fetch(`${url}/health/liveness`)).status).toBe(200);
    expect((await fetch(`${url}/health/readiness`)).status).toBe(200);
  });

  it("is not ready with the reason while a dependency is missing", async () => {
    const running = await startForTest(
      defineFunction({
        name: "example",
        open: async () => ({ [Symbol.asyncDispose]: async () => {} }),
        handlers: [],
        ready: async () => "run make migrate",
      }),
    );
    const response = await fetch(`${running.url}/health/readiness`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: "not ready", reason: "run make migrate" });
  });
});

describe("a function that takes everything", () => {
  it("gets broken events that have a place on the topic; without one they are refused", async () => {
    const problems: unknown[] = [];
    const running = await startForTest(
      defineFunction({
        name: "example",
        open: async () => ({ [Symbol.asyncDispose]: async () => {} }),
        handlers: [onEverything(async (event) => (problems.push(event.problem?.code), "done"))],
      }),
    );
    const place = { "ce-knativekafkapartition": "0", "ce-knativekafkaoffset": "1" };
    const send = (changes: Record<string, string>, data: string) =>
      fetch(running.url, { method: "POST", headers: { ...headers, ...changes }, body: data });
    expect((await send({ ...place, "ce-specversion": "0.3" }, body)).status).toBe(204);
    expect((await send({}, "{")).status).toBe(204);
    expect((await send({ "ce-specversion": "0.3" }, body)).status).toBe(400);
    expect(problems).toEqual(["attribute_invalid", "data_not_json"]);
  });
});

it("counts events by type and outcome; unknown types share one series", async () => {
  const { post, metricsUrl } = await start();
  await post();
  await post({ "ce-type": "hostile.1" });
  await post({ "ce-type": "hostile.2" });
  const text = await (await fetch(metricsUrl)).text();
  expect(text).toContain(
    'task_events_handled_total{type="task.created",outcome="done",function="example"} 1',
  );
  expect(text).toContain(
    'task_events_handled_total{type="other",outcome="ignored",function="example"} 2',
  );
});

/** Sends bytes on a socket of its own and gives what comes back until the server closes. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () =>
      socket.write(bytes, "latin1"),
    );
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("close", () => resolve(answer));
    socket.on("error", () => {});
  });
}
