import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startIngress } from "../../../local/knative/ingress.ts";
import { startKafkaSource, type KafkaSource } from "../../../local/knative/kafka-source.ts";
import { createReport, type Report } from "../../../local/report.ts";
import { eventHeaders, startLog, type TopicLog } from "./topic-log.ts";
import type { ScriptedAnswer } from "./recording.ts";
import { startScriptedSink, type ScriptedSink } from "./scripted-sink.ts";

let log: TopicLog;

beforeAll(async () => {
  log = await startLog();
});

afterAll(async () => {
  await log[Symbol.asyncDispose]();
});

const quiet = createReport({ print: () => {} });

interface Start extends Partial<KafkaSource> {
  readonly topic: string;
  readonly sinkUrl: string;
  readonly report?: Report;
  readonly drainMs?: number;
  readonly commitIntervalMs?: number;
}

const start = ({ topic, sinkUrl, report = quiet, drainMs, commitIntervalMs, ...source }: Start) =>
  startKafkaSource({
    source: {
      namespace: "default",
      name: "audit-log",
      topics: [topic],
      consumerGroup: topic,
      ordering: "unordered",
      initialOffset: "earliest",
      consumers: 1,
      delivery: { retry: 3, backoffPolicy: "linear", backoffDelayMs: 50, timeoutMs: 5_000 },
      ...source,
    },
    sinkUrl,
    kafka: log.kafka,
    report,
    drainMs: drainMs ?? 2_000,
    commitIntervalMs: commitIntervalMs ?? 50,
  });

/** A topic of its own with one event per given id, in the given partition. */
async function topicWith(topic: string, partitions: number, ids: readonly string[]) {
  await log.createTopic(topic, partitions);
  await log.produce(
    topic,
    ids.map((id, index) => ({
      partition: index % partitions,
      value: "{}",
      headers: eventHeaders(id),
    })),
  );
}

const sinkThatAnswers = (script: readonly ScriptedAnswer[]) =>
  startScriptedSink(script, (headers) => Number(String(headers["ce-id"]).slice(1)));

const idsAt = (sink: ScriptedSink) => sink.received.map(({ headers }) => headers["ce-id"]);

test("a topic that was deleted is not made again by who reads it", async () => {
  await log.createTopic("deleted", 1);
  // One of its own: it asks for the topic ever after.
  const producer = log.kafka.producer();
  await producer.connect();
  await producer.send({
    topic: "deleted",
    messages: [{ value: "{}", headers: eventHeaders("e0") }],
  });
  await producer.disconnect();
  await using sink = await sinkThatAnswers([{ status: 204 }]);
  const lines: string[] = [];
  const report = createReport({ print: (line) => void lines.push(line) });
  await using _ = await start({ topic: "deleted", sinkUrl: sink.url, report });
  await expect.poll(() => idsAt(sink)).toEqual(["e0"]);
  const admin = log.kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: ["deleted"] });
  await expect.poll(() => lines.join("\n")).toContain("the consumer failed");
  expect(await admin.listTopics()).not.toContain("deleted");
  await admin.disconnect();
});

describe("stopping", () => {
  test("waits for the running attempt and commits what it did", async () => {
    await topicWith("stop-waits", 1, ["e0"]);
    await using sink = await sinkThatAnswers([{ status: 204, delayMs: 300 }]);
    const source = await start({
      topic: "stop-waits",
      sinkUrl: sink.url,
      commitIntervalMs: 60_000,
    });
    await expect.poll(() => sink.received.length).toBe(1);
    await source[Symbol.asyncDispose]();
    expect(await log.committed("stop-waits", "stop-waits")).toEqual({ 0: 1 });
  });

  test("leaves what does not end in time uncommitted: it comes again at the next start", async () => {
    await topicWith("stop-abandons", 1, ["e0", "e1"]);
    await using sink = await sinkThatAnswers([
      { record: 0, hang: true },
      { record: 0, status: 204 },
      { record: 1, status: 204 },
    ]);
    const first = await start({ topic: "stop-abandons", sinkUrl: sink.url, drainMs: 100 });
    await expect.poll(() => idsAt(sink)).toEqual(["e0", "e1"]);
    await first[Symbol.asyncDispose]();
    const second = await start({ topic: "stop-abandons", sinkUrl: sink.url });
    // e1 was acknowledged, but stands behind the first that was not.
    await expect.poll(() => idsAt(sink)).toEqual(["e0", "e1", "e0", "e1"]);
    await second[Symbol.asyncDispose]();
    expect(await log.committed("stop-abandons", "stop-abandons")).toEqual({ 0: 2 });
  });

  test("does not wait out a backoff", async () => {
    await topicWith("stop-backoff", 1, ["e0"]);
    await using sink = await sinkThatAnswers([{ status: 503 }]);
    const delivery = {
      retry: 3,
      backoffPolicy: "linear",
      backoffDelayMs: 60_000,
      timeoutMs: 1_000,
    } as const;
    const source = await start({ topic: "stop-backoff", sinkUrl: sink.url, delivery });
    await expect.poll(() => sink.received.length).toBe(1);
    const startedAt = performance.now();
    await source[Symbol.asyncDispose]();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await log.committed("stop-backoff", "stop-backoff")).toEqual({ 0: -1 });
  });
});

test("ordered: the retries of one partition do not hold up another", async () => {
  await topicWith("ordered-parallel", 2, ["e0", "e1", "e2", "e3"]);
  await using sink = await sinkThatAnswers([
    { record: 0, status: 503 },
    { record: 0, status: 503 },
    { record: 0, status: 204 },
    { status: 204 },
  ]);
  const delivery = {
    retry: 3,
    backoffPolicy: "linear",
    backoffDelayMs: 400,
    timeoutMs: 1_000,
  } as const;
  await using _ = await start({
    topic: "ordered-parallel",
    sinkUrl: sink.url,
    ordering: "ordered",
    delivery,
  });
  await expect.poll(() => sink.received.length, { timeout: 5_000 }).toBe(6);
  expect(idsAt(sink).filter((id) => id === "e0" || id === "e2")).toEqual(["e0", "e0", "e0", "e2"]);
  expect(idsAt(sink).indexOf("e3")).toBeLessThan(idsAt(sink).lastIndexOf("e0"));
});

test.concurrent(
  "a wait longer than the session timeout loses neither the partition nor its turn",
  { timeout: 30_000 },
  async ({ expect }) => {
    await topicWith("long-wait", 1, ["e0", "e1"]);
    await using sink = await sinkThatAnswers([
      { record: 0, status: 503 },
      { record: 0, status: 204 },
      { record: 1, status: 204 },
    ]);
    const delivery = {
      retry: 1,
      backoffPolicy: "linear",
      backoffDelayMs: 11_500,
      timeoutMs: 1_000,
    } as const;
    await using _ = await start({
      topic: "long-wait",
      sinkUrl: sink.url,
      ordering: "ordered",
      delivery,
    });
    await expect.poll(() => idsAt(sink), { timeout: 20_000 }).toEqual(["e0", "e0", "e1"]);
    await expect.poll(() => log.committed("long-wait", "long-wait")).toEqual({ 0: 2 });
  },
);

test.concurrent(
  "thousands of records behind a slow sink all arrive, once, at most 90 at a time",
  { timeout: 30_000 },
  async ({ expect }) => {
    const ids = Array.from({ length: 3_000 }, (_, index) => `e${index}`);
    await topicWith("many", 1, ids);
    await using sink = await sinkThatAnswers([{ status: 204, delayMs: 5 }]);
    await using _ = await start({ topic: "many", sinkUrl: sink.url });
    await expect
      .poll(() => log.committed("many", "many"), { timeout: 25_000 })
      .toEqual({ 0: 3_000 });
    expect(new Set(idsAt(sink)).size).toBe(3_000);
    expect(sink.received).toHaveLength(3_000);
    expect(sink.maxInFlight()).toBeLessThanOrEqual(90);
  },
);

test.concurrent(
  "a new group with initialOffset latest starts at the end as it was at the start",
  { timeout: 30_000 },
  async ({ expect }) => {
    await topicWith("latest", 1, ["e0"]);
    await using sink = await sinkThatAnswers([{ status: 204 }]);
    await using _ = await start({ topic: "latest", sinkUrl: sink.url, initialOffset: "latest" });
    await log.produce("latest", [{ value: "{}", headers: eventHeaders("e1") }]);
    await expect.poll(() => idsAt(sink)).toEqual(["e1"]);
  },
);

test("a dead letter reaches the KafkaSink's topic, named, with the reason and the original's place", async () => {
  await log.createTopic("dead", 2);
  await log.createTopic("dead-letters", 2);
  await log.produce("dead", [
    { partition: 1, key: "t1", value: '{"n":1}', headers: eventHeaders("e0") },
  ]);
  await using ingress = await startIngress({
    brokers: [],
    sinks: [
      { namespace: "default", name: "dead-letters", topic: "dead-letters", contentMode: "binary" },
    ],
    kafka: log.kafka,
    port: 0,
    report: quiet,
  });
  await using sink = await sinkThatAnswers([
    { status: 422, headers: { "kne-reason": "no task_id" }, body: "refused" },
  ]);
  const lines: string[] = [];
  await using _ = await start({
    topic: "dead",
    sinkUrl: sink.url,
    report: createReport({ print: (line) => lines.push(line) }),
    delivery: {
      retry: 3,
      backoffPolicy: "linear",
      backoffDelayMs: 50,
      timeoutMs: 1_000,
      deadLetterSinkUrl: `http://127.0.0.1:${ingress.port}/default/dead-letters`,
    },
  });
  await expect.poll(() => log.committed("dead", "dead")).toMatchObject({ 1: 1 });
  const [letter] = await log.readAll("dead-letters");
  const headers = Object.fromEntries(
    Object.entries(letter?.headers ?? {}).map(([name, value]) => [name, String(value)]),
  );
  expect(letter?.value?.toString()).toBe('{"n":1}');
  expect(headers).toEqual({
    ce_specversion: "1.0",
    ce_id: "e0",
    ce_source: "/task-app",
    ce_type: "task.created",
    "content-type": "application/json",
    ce_knativekafkapartition: "1",
    ce_knativekafkaoffset: "0",
    ce_knativeerrordest: sink.url,
    ce_knativeerrorcode: "422",
    ce_knativeerrordata: Buffer.from("refused").toString("base64"),
    ce_reason: "no task_id",
  });
  expect(lines).toEqual([
    expect.stringMatching(/^task\.created +e0 +audit-log +422 +\d+ ms +attempt 1 +dead-letter$/),
  ]);
});

test("what nobody can deliver is dropped with a loud line, and the next record comes", async () => {
  await log.createTopic("dropped", 1);
  await log.produce("dropped", [
    { value: "{}", headers: { ...eventHeaders("e0"), ce_subject: "a\nb" } },
    { value: "{}", headers: eventHeaders("e1") },
  ]);
  await using sink = await sinkThatAnswers([{ status: 204 }]);
  const lines: string[] = [];
  const report = createReport({ print: (line) => lines.push(line) });
  await using _ = await start({ topic: "dropped", sinkUrl: sink.url, report });
  await expect.poll(() => log.committed("dropped", "dropped")).toEqual({ 0: 2 });
  expect(idsAt(sink)).toEqual(["e1"]);
  expect(lines[0]).toMatch(/ERROR.*dropped 0\/0.*control character/);
});

test("a record stamped beyond all dates does not end the runner", async () => {
  await log.createTopic("stamped", 1);
  const value = '{"type":"task.created","task_id":"t1","user_id":"u1"}';
  await log.produce("stamped", [{ value, timestamp: "-8640000000000001" }]);
  await using sink = await sinkThatAnswers([{ status: 204 }]);
  await using _ = await start({ topic: "stamped", sinkUrl: sink.url });
  await expect.poll(() => log.committed("stamped", "stamped")).toEqual({ 0: 1 });
  expect(sink.received).toHaveLength(1);
});

test("a plain record is reported under the name that functions and console give it", async () => {
  await log.createTopic("plain", 1);
  await log.produce("plain", [{ value: '{"type":"task.created","task_id":"t1","user_id":"u1"}' }]);
  await using sink = await sinkThatAnswers([{ status: 204 }]);
  const report = createReport({ print: () => {} });
  await using _ = await start({ topic: "plain", sinkUrl: sink.url, report });
  await expect
    .poll(() => report.deliveries({ source: "/kafka/plain", limit: 1 }))
    .toMatchObject([{ event: { type: "task.created" }, status: 204, attempt: 1, outcome: "done" }]);
});

// Last: the others need the log.
test(
  "when the log is away for a while, the source goes on where it was",
  { timeout: 40_000 },
  async () => {
    await topicWith("log-away", 1, ["e0"]);
    await using sink = await sinkThatAnswers([{ status: 204 }]);
    await using _ = await start({ topic: "log-away", sinkUrl: sink.url });
    await expect.poll(() => log.committed("log-away", "log-away")).toEqual({ 0: 1 });
    await log.stop();
    await log.startAgain();
    await log.produce("log-away", [{ value: "{}", headers: eventHeaders("e1") }]);
    await expect.poll(() => idsAt(sink), { timeout: 30_000 }).toEqual(["e0", "e1"]);
  },
);
