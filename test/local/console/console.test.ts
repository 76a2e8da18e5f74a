import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jwtVerify } from "jose";
import type { Kafka, Producer } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { startConsole, type LocalConsole } from "../../../local/console/console.ts";
import { startKafka, type RunningKafka } from "../../../local/kafka/server.ts";
import { createReport, type DeliveryReport } from "../../../local/report.ts";

const secret = "a secret of at least thirty-two bytes";
const now = new Date("2026-11-23T12:00:00Z");

let dataDir: string;
let broker: RunningKafka;
let kafka: Kafka;
let producer: Producer;
let console: LocalConsole;
const report = createReport({ print: () => {} });

const mails = Array.from({ length: 150 }, (_, index) => ({
  id: `m${index}`,
  at: now.toISOString(),
  from: "tasks@example.test",
  to: ["u1@example.test"],
  subject: "Task created",
  text: "text",
  html: "<p>text</p>",
  traceparent: null,
}));

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "console-"));
  broker = await startKafka({
    dataDir,
    port: 0,
    topics: [
      { name: "task-events", partitions: 3 },
      { name: "task-events-dead-letters", partitions: 3 },
    ],
  });
  kafka = openKafka({ brokers: broker.address, clientId: "test" });
  producer = kafka.producer();
  await producer.connect();
  console = await startConsole({
    port: 0,
    kafka,
    topics: { events: "task-events", deadLetters: "task-events-dead-letters" },
    mail: { list: (limit) => mails.slice(0, limit) },
    sms: undefined,
    tokens: { secret },
    report,
    functionAt: (url) => (url === "http://localhost:8003/" ? "audit-log" : undefined),
    now: () => now,
  });
});

afterAll(async () => {
  await console[Symbol.asyncDispose]();
  await producer.disconnect();
  await broker[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

async function get(path: string): Promise<{ status: number; body: never }> {
  const response = await fetch(`http://127.0.0.1:${console.port}${path}`);
  return { status: response.status, body: (await response.json()) as never };
}

const attributes = (id: string, type: string) => ({
  ce_specversion: "1.0",
  ce_id: id,
  ce_source: "/task-app",
  ce_type: type,
  "content-type": "application/json",
});

const data = (task: string) => `{"task_id":"${task}","user_id":"u1","payload":{"big":1e400}}`;

describe("/api/events", () => {
  test("lists an event that was stored a moment ago first, its data byte for byte", async () => {
    await produce("task-events", "e1", "task.created", "2026-11-23T11:00:00Z");
    await produce("task-events", "e2", "task.completed", "2026-11-23T11:00:01Z");
    const response = await fetch(`http://127.0.0.1:${console.port}/api/events`);
    const text = await response.text();
    expect(text).toContain('"data":{"task_id":"e2","user_id":"u1","payload":{"big":1e400}}');
    const { events } = JSON.parse(text) as { events: { event: { id: string } }[] };
    expect(events.map(({ event }) => event.id)).toEqual(["e2", "e1"]);
    expect(events[0]).toMatchObject({
      partition: 0,
      offset: 1,
      at: "2026-11-23T11:00:01.000Z",
      event: { specversion: "1.0", source: "/task-app", type: "task.completed" },
    });
  });

  test("filters by type and keeps to the limit", async () => {
    await produce("task-events", "e3", "task.created", "2026-11-23T11:00:02Z");
    const { body } = await get("/api/events?type=task.created&limit=1");
    expect(body).toMatchObject({ events: [{ event: { id: "e3" } }] });
    expect((body as { events: [] }).events).toHaveLength(1);
  });

  test("names a plain record as the functions do", async () => {
    const at = Date.parse("2026-11-23T11:00:03Z");
    const value = JSON.stringify({ event_type: "task.updated", task_id: "t9", user_id: "u1" });
    await producer.send({
      topic: "task-events",
      messages: [{ partition: 1, value, timestamp: String(at) }],
    });
    const { body } = await get("/api/events?type=task.updated");
    expect(body).toMatchObject({
      events: [{ event: { source: "/kafka/task-events", id: `1/0@${at}` } }],
    });
  });

  test.each(["0", "-1", "1001", "ten", "1.5", ""])("answers 400 to the limit %j", async (limit) => {
    const { status, body } = await get(`/api/events?limit=${limit}`);
    expect(status).toBe(400);
    expect(body).toEqual({ error: "limit must be a whole number from 1 to 1000" });
  });

  async function produce(topic: string, id: string, type: string, at: string) {
    const timestamp = String(Date.parse(at));
    const messages = [{ partition: 0, value: data(id), headers: attributes(id, type), timestamp }];
    await producer.send({ topic, messages });
  }
});

describe("/api/dead-letters", () => {
  const send = (headers: Record<string, string>, value = data("t1")) =>
    producer.send({
      topic: "task-events-dead-letters",
      messages: [{ value, headers: { ...attributes("d1", "task.created"), ...headers } }],
    });
  const newest = async () =>
    (await get("/api/dead-letters?limit=1")).body as { dead_letters: object[] };

  test("says which function refused what, and why", async () => {
    await send({
      ce_knativeerrordest: "http://localhost:8003/",
      ce_knativeerrorcode: "422",
      ce_knativeerrordata: "e30=",
      ce_reason: "data has no task_id",
    });
    const { dead_letters: deadLetters } = await newest();
    expect(deadLetters).toMatchObject([
      {
        function: "audit-log",
        code: 422,
        reason: "data has no task_id",
        event: { id: "d1", type: "task.created", data: { task_id: "t1" } },
      },
    ]);
  });

  test("falls back on the answer's body, and on the address where no function is known", async () => {
    await send({
      ce_knativeerrordest: "http://other/",
      ce_knativeerrorcode: "400",
      ce_knativeerrordata: Buffer.from("no such thing").toString("base64"),
    });
    const { dead_letters: deadLetters } = await newest();
    expect(deadLetters).toMatchObject([
      { function: "http://other/", code: 400, reason: "no such thing" },
    ]);
  });

  test("has no code where no answer came", async () => {
    await send({ ce_knativeerrordest: "http://localhost:8003/" });
    const { dead_letters: deadLetters } = await newest();
    expect(deadLetters).toMatchObject([
      { code: null, reason: "no answer: refused, cut off or timed out" },
    ]);
  });

  test("calls a plain record by the place that it had on its own topic", async () => {
    await send(
      {
        ce_id: "partition:7/offset:41",
        ce_source: "/apis/v1/namespaces/default/kafkasources/audit-log#task-events",
        ce_type: "dev.knative.kafka.event",
        ce_time: "2026-11-23T11:00:00Z",
        ce_knativekafkapartition: "7",
        ce_knativekafkaoffset: "41",
        ce_knativeerrordest: "http://localhost:8003/",
        ce_knativeerrorcode: "422",
      },
      JSON.stringify({ type: "task.created", task_id: "t1", user_id: "u1" }),
    );
    const { dead_letters: deadLetters } = await newest();
    expect(deadLetters).toMatchObject([
      {
        code: 422,
        event: {
          source: "/kafka/task-events",
          id: `7/41@${Date.parse("2026-11-23T11:00:00Z")}`,
        },
      },
    ]);
  });
});

describe("/api/deliveries", () => {
  test("lists the attempts at one event, newest first", async () => {
    const attempt = (id: string, number: number, status: number | null): DeliveryReport => ({
      function: "notification",
      event: { id, source: "/task-app", type: "task.created" },
      attempt: number,
      status,
      ms: 12.4,
      at: now,
      outcome: status === 204 ? "done" : "retry",
    });
    report.delivery(attempt("a", 1, null));
    report.delivery(attempt("b", 1, 204));
    report.delivery(attempt("a", 2, 204));
    const at = now.toISOString();
    expect((await get("/api/deliveries?id=a&source=/task-app")).body).toEqual({
      deliveries: [
        { function: "notification", attempt: 2, status: 204, ms: 12, at, outcome: "done" },
        { function: "notification", attempt: 1, status: null, ms: 12, at, outcome: "retry" },
      ],
    });
    expect((await get("/api/deliveries?source=/other")).body).toEqual({ deliveries: [] });
  });
});

describe("/api/token", () => {
  test("signs an hour's token for a user", async () => {
    const { body } = await get("/api/token?user_id=u1&scope=admin");
    const { token } = body as { token: string };
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      currentDate: now,
    });
    const iat = now.getTime() / 1000;
    expect(payload).toEqual({ sub: "u1", scope: "admin", iat, exp: iat + 3600 });
  });

  test("answers 400 without a user", async () => {
    expect((await get("/api/token")).status).toBe(400);
  });

  test("answers 404 where the secret came from outside", async () => {
    await using other = await startConsole({
      port: 0,
      kafka,
      topics: { events: "task-events", deadLetters: "task-events-dead-letters" },
      mail: undefined,
      sms: undefined,
      tokens: undefined,
      report,
      functionAt: () => undefined,
    });
    for (const path of ["/api/token?user_id=u1", "/api/mail"]) {
      expect((await fetch(`http://127.0.0.1:${other.port}${path}`)).status).toBe(404);
    }
  });
});

test("/api/mail lists 100 messages unless told otherwise", async () => {
  const messages = async (query: string) =>
    ((await get(`/api/mail${query}`)).body as { messages: object[] }).messages;
  expect(await messages("")).toHaveLength(100);
  expect(await messages("?limit=150")).toEqual(mails);
});

test("an unknown path is a 404 that names the known ones", async () => {
  const { status, body } = await get("/api/nothing");
  expect(status).toBe(404);
  expect((body as { error: string }).error).toContain("/api/dead-letters");
});

test("a page of another origin is refused", async () => {
  const response = await fetch(`http://127.0.0.1:${console.port}/api/mail`, {
    headers: { origin: "http://evil.example" },
  });
  expect(response.status).toBe(403);
});

test("a log that is away is a 503", async () => {
  await using other = await startConsole({
    port: 0,
    kafka: openKafka({
      brokers: "127.0.0.1:1",
      clientId: "test",
      config: { retry: { retries: 0 } },
    }),
    topics: { events: "task-events", deadLetters: "task-events-dead-letters" },
    mail: undefined,
    sms: undefined,
    tokens: undefined,
    report,
    functionAt: () => undefined,
  });
  const response = await fetch(`http://127.0.0.1:${other.port}/api/events`);
  expect(response.status).toBe(503);
});
