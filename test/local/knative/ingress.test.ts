import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startIngress, type Ingress } from "../../../local/knative/ingress.ts";
import { createReport } from "../../../local/report.ts";
import { eventHeaders, startLog, type TopicLog } from "./topic-log.ts";

let log: TopicLog;
let ingress: Ingress;
const lines: string[] = [];
const report = createReport({ print: (line) => lines.push(line) });

const broker = { namespace: "default", name: "task-events", topic: "task-events" };

beforeAll(async () => {
  log = await startLog();
  await log.createTopic("task-events", 12);
  ingress = await startIngress({
    brokers: [broker],
    sinks: [],
    kafka: log.kafka,
    port: 0,
    report,
  });
});

afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
});

const post = (id: string, headers: Record<string, string> = {}, port = ingress.port) =>
  fetch(`http://127.0.0.1:${port}/default/task-events`, {
    method: "POST",
    body: "{}",
    headers: {
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-source": "/task-app",
      "ce-type": "task.created",
      ...headers,
    },
  });

test("posts that come at once are each stored", async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      post(`p${index}`, { "ce-partitionkey": `t${index % 20}` }),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  const ids = (await log.readAll("task-events")).map(({ headers }) => String(headers?.["ce_id"]));
  expect(new Set(ids)).toEqual(new Set(Array.from({ length: 200 }, (_, index) => `p${index}`)));
});

test("events of one key keep the order in which they were answered, in the partition of any Kafka client", async () => {
  await log.createTopic("ordered", 12);
  await using own = await startIngress({
    brokers: [{ ...broker, topic: "ordered" }],
    sinks: [],
    kafka: log.kafka,
    port: 0,
    report,
  });
  for (const id of ["a", "b", "c"]) await post(id, { "ce-partitionkey": "t1" }, own.port);
  await log.produce("ordered", [{ key: "t1", value: "{}", headers: eventHeaders("d") }]);
  const stored = await log.readAll("ordered");
  expect(stored.map(({ headers }) => String(headers?.["ce_id"]))).toEqual(["a", "b", "c", "d"]);
  expect(new Set(stored.map(({ partition }) => partition)).size).toBe(1);
});

test("a refusal has an empty body as in Knative, and a line that says why", async () => {
  const response = await post("", { "ce-specversion": "2.0" });
  expect(response.status).toBe(400);
  expect(await response.text()).toBe("");
  expect(lines.at(-1)).toBe(
    'ingress: WARNING: 400 for POST /default/task-events: specversion "2.0"',
  );
});

test("a page of another origin cannot post", async () => {
  expect((await post("x", { origin: "http://evil.example" })).status).toBe(403);
  expect((await post("x", { "sec-fetch-site": "cross-site" })).status).toBe(403);
});

test("a client that goes away in the middle of its body harms nobody", async () => {
  const controller = new AbortController();
  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(new TextEncoder().encode("{"));
      setTimeout(() => controller.abort(), 50);
    },
  });
  const cut = fetch(`http://127.0.0.1:${ingress.port}/default/task-events`, {
    method: "POST",
    body,
    duplex: "half",
    signal: controller.signal,
  });
  await expect(cut).rejects.toThrow("aborted");
  expect((await post("after")).status).toBe(202);
});

// Last: the others need the log.
describe("with the log away", () => {
  test("an event waits for it, behind those that came before", { timeout: 60_000 }, async () => {
    await log.createTopic("waiting", 1);
    await using own = await startIngress({
      brokers: [{ ...broker, topic: "waiting" }],
      sinks: [],
      kafka: log.kafka,
      port: 0,
      report,
    });
    expect((await post("w0", {}, own.port)).status).toBe(202);
    await log.stop();
    const answers = ["w1", "w2", "w3"].map((id) => post(id, {}, own.port));
    const notAnEvent = await fetch(`http://127.0.0.1:${own.port}/default/task-events`, {
      method: "POST",
      body: "x",
    });
    expect(notAnEvent.status).toBe(400);
    await log.startAgain();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses).toEqual([202, 202, 202]);
    const stored = await log.readAll("waiting");
    const ids = stored.map(({ headers }) => String(headers?.["ce_id"]));
    expect(ids[0]).toBe("w0");
    expect(new Set(ids)).toEqual(new Set(["w0", "w1", "w2", "w3"]));
  });

  test(
    "what waited its time out is answered 503 and not stored when it is back",
    { timeout: 60_000 },
    async () => {
      await log.createTopic("given-up", 1);
      await using own = await startIngress({
        brokers: [{ ...broker, topic: "given-up" }],
        sinks: [],
        kafka: log.kafka,
        port: 0,
        report,
        deliveryTimeoutMs: 400,
      });
      await log.stop();
      // The first is on its way to Kafka all the time: whether it arrives after all is open, as in Knative.
      const answers = await Promise.all(["g1", "g2", "g3"].map((id) => post(id, {}, own.port)));
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
      expect(lines.at(-1)).toMatch(
        /503 for POST .*: not stored: no acknowledgement from Kafka in 0\.4 s/,
      );
      await log.startAgain();
      await expect
        .poll(async () => (await post("g4", {}, own.port)).status, { timeout: 30_000 })
        .toBe(202);
      const ids = (await log.readAll("given-up")).map(({ headers }) => String(headers?.["ce_id"]));
      expect(ids).toContain("g4");
      expect(ids.filter((id) => id === "g2" || id === "g3")).toEqual([]);
    },
  );

  test("stopping does not wait for it", { timeout: 60_000 }, async () => {
    const own = await startIngress({
      brokers: [broker],
      sinks: [],
      kafka: log.kafka,
      port: 0,
      report,
    });
    await log.stop();
    const answer = post("late", {}, own.port).catch(() => undefined);
    const startedAt = performance.now();
    await own[Symbol.asyncDispose]();
    await answer;
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    await log.startAgain();
  });
});
