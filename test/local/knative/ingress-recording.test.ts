/** The ingress beside the recordings of the real receiver: answers and records. */
import { createHash } from "node:crypto";
import { request, type IncomingHttpHeaders } from "node:http";
import type { Consumer, Kafka, KafkaMessage } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { members, parseJson } from "../../../lib/events/json.ts";
import { startIngress, type Ingress } from "../../../local/knative/ingress.ts";
import { GUARD_HEADERS } from "../../../local/process/front/front.ts";
import { createReport } from "../../../local/report.ts";
import { startLog, type TopicLog } from "./topic-log.ts";
import { splitByException } from "./exception.ts";
import { recordings, withNewSpan, type IngressCase } from "./recording.ts";

const { same, different } = splitByException("ingress", recordings<IngressCase>("ingress"));
const isStopped = ({ name }: IngressCase): boolean => name.startsWith("kafka-stopped");
const running = same.filter((recorded) => !isStopped(recorded));

const topics = ["ing-broker", "ing-sink-binary", "ing-sink-structured"];

let log: TopicLog;
let ingress: Ingress;
let consumer: Consumer;
const stored: { topic: string; message: KafkaMessage }[] = [];

const start = (kafka: Kafka, deliveryTimeoutMs?: number): Promise<Ingress> =>
  startIngress({
    brokers: [{ namespace: "tasks", name: "default", topic: "ing-broker" }],
    sinks: (["binary", "structured"] as const).map((contentMode) => ({
      namespace: "tasks",
      name: `sink-${contentMode}`,
      topic: `ing-sink-${contentMode}`,
      contentMode,
    })),
    kafka,
    port: 0,
    report: createReport({ print: () => {} }),
    ...(deliveryTimeoutMs === undefined ? {} : { deliveryTimeoutMs }),
  });

beforeAll(async () => {
  log = await startLog();
  for (const topic of topics) await log.createTopic(topic, 1);
  ingress = await start(log.kafka);
  consumer = log.kafka.consumer({ groupId: "reader", maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, message }) => void stored.push({ topic, message }),
  });
});

afterAll(async () => {
  await consumer.disconnect();
  await ingress[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
});

// One after another: a case's record is the one that comes next on its topic.
describe("the receiver, recorded", () => {
  test.for(running)("$name", (recorded) => expectAsRecorded(recorded));
  test.fails.for(different)("$name, differs", (recorded) => expectAsRecorded(recorded));

  test("nothing else was stored", () => {
    expect(stored).toHaveLength(running.filter(({ record }) => record !== null).length);
  });
});

async function expectAsRecorded(recorded: IngressCase): Promise<void> {
  const before = stored.length;
  const sentAtMs = Date.now();
  const answer = await send(recorded, ingress.port);
  expect(answer).toEqual(responseOf(recorded));
  if (recorded.record === null) return;
  await expect.poll(() => stored.length, { interval: 5 }).toBe(before + 1);
  const record = stored[before];
  const { traceparent } = recorded.request.headers;
  expect(seenOf(record, traceparent)).toEqual(expectedOf(recorded.record, traceparent));
  expect(Number(record?.message.timestamp)).toBeGreaterThanOrEqual(sentAtMs);
}

/** 60 s in Knative. */
const timeoutMs = 600;
const scale = timeoutMs / 60_000;

describe.concurrent("the receiver without Kafka, recorded", () => {
  test.for(same.filter(isStopped))("$name", async (recorded, { expect }) => {
    await using own = await startLog();
    await own.createTopic("ing-broker", 1);
    await using receiver = await start(own.kafka, timeoutMs);
    if (recorded.name === "kafka-stopped-after-one-event") {
      expect(await send(recorded, receiver.port)).toMatchObject({ status: 202 });
    }
    await own.stop();
    const startedAt = performance.now();
    expect(await send(recorded, receiver.port)).toEqual(responseOf(recorded));
    const ms = performance.now() - startedAt;
    expect(ms).toBeGreaterThan((recorded.ms ?? 0) * scale - 40);
    expect(ms).toBeLessThan((recorded.ms ?? 0) * scale + 500);
    const readyz = await fetch(`http://127.0.0.1:${receiver.port}/readyz`);
    expect(readyz.status).toBe(200);
  });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bodyBase64: string;
}

const responseOf = ({ response: { status, headers, bodyBase64 } }: IngressCase): Answer => ({
  status,
  headers,
  bodyBase64,
});

/** Left out of the recordings; of the connection alone; and what each port of the runner adds against web pages. */
const incidental = ["date", "content-length", "connection", "keep-alive"].concat(
  Object.keys(GUARD_HEADERS).map((name) => name.toLowerCase()),
);

const comparableHeaders = (headers: IncomingHttpHeaders) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !incidental.includes(name)));

function send({ request: recorded }: IngressCase, port: number): Promise<Answer> {
  const headers: string[] = ["host", `127.0.0.1:${port}`];
  for (const [name, value] of recorded.headerList ?? Object.entries(recorded.headers)) {
    headers.push(name, value);
  }
  for (const [name, value] of Object.entries(recorded.headersBase64 ?? {})) {
    headers.push(name, Buffer.from(value, "base64").toString("latin1"));
  }
  const body = bodyOf(recorded);
  if (body.length > 0) headers.push("content-length", String(body.length));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: "127.0.0.1",
        method: recorded.method,
        path: recorded.path,
        headers,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: comparableHeaders(response.headers),
            bodyBase64: Buffer.concat(chunks).toString("base64"),
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function bodyOf({ bodyBase64, bodyRepeat }: IngressCase["request"]): Buffer {
  if (bodyRepeat === undefined) return Buffer.from(bodyBase64 ?? "", "base64");
  const { prefix, repeat, count, suffix } = bodyRepeat;
  return Buffer.from(prefix + repeat.repeat(count) + suffix);
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Names in their order and values as written; but the order of extensions follows a hash in Java. */
function comparableValue(bytes: Buffer | null, isStructured: boolean): unknown {
  if (bytes === null || !isStructured) return bytes?.toString("base64") ?? null;
  if (!("value" in parseJson(bytes))) return bytes.toString("utf8");
  const found = [...members(bytes)].map(({ name, value }) => `${name}: ${value.toString()}`);
  const isCore = (member: string): boolean => coreMember.test(member);
  return { core: found.filter(isCore), extensions: found.filter((it) => !isCore(it)).sort() };
}

const coreMember =
  /^(specversion|id|source|type|datacontenttype|dataschema|subject|time|data|data_base64): /;

const comparableHeader = (name: string, value: Buffer, sent: string | undefined): string =>
  name === "traceparent" ? withNewSpan(value.toString(), sent) : value.toString("base64");

function seenOf(
  record: { topic: string; message: KafkaMessage } | undefined,
  sentTraceparent: string | undefined,
) {
  const { topic = "", message } = record ?? {};
  const headers = Object.entries(message?.headers ?? {}).map(([name, value]) => [
    name,
    comparableHeader(name, value as Buffer, sentTraceparent),
  ]);
  const value = message?.value ?? null;
  return {
    topic,
    timestampType: message && timestampType(message),
    key: message?.key?.toString("base64") ?? null,
    headers: Object.fromEntries(headers) as unknown,
    value:
      value !== null && value.length > 10_000
        ? sha256(value)
        : comparableValue(value, topic.endsWith("structured")),
  };
}

/** kafkajs tells it, but not in its types. */
const timestampType = (message: KafkaMessage): string =>
  "batchContext" in message && JSON.stringify(message.batchContext).includes('"timestampType":0')
    ? "CreateTime"
    : "another";

function expectedOf(
  record: NonNullable<IngressCase["record"]>,
  sentTraceparent: string | undefined,
) {
  const { topic, key, headers, valueBase64, valueSha256, timestampType } = record;
  const named = Object.entries(headers).map(([name, value]) => [
    name,
    comparableHeader(name, Buffer.from(value, "base64"), sentTraceparent),
  ]);
  const value = valueBase64 == null ? null : Buffer.from(valueBase64, "base64");
  return {
    topic,
    timestampType,
    key,
    headers: Object.fromEntries(named) as unknown,
    value: valueSha256 ?? comparableValue(value, topic.endsWith("structured")),
  };
}
