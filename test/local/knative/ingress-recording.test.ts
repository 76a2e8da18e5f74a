/** The ingress beside the recordings of the real receiver: status and record. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Consumer, Kafka, KafkaMessage } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { startKafka, type RunningKafka } from "../../../local/kafka/server.ts";
import { startIngress, type Ingress } from "../../../local/knative/ingress.ts";
import { createReport } from "../../../local/report.ts";
import { recordings, withNewSpan, type IngressCase } from "./recording.ts";

const cases = recordings<IngressCase>("ingress").filter(
  // Played in ingress.test.ts, with a log that is down.
  ({ name }) => !name.startsWith("kafka-stopped"),
);

const topics = ["ing-broker", "ing-sink-binary", "ing-sink-structured"];

let dataDir: string;
let broker: RunningKafka;
let kafka: Kafka;
let ingress: Ingress;
let consumer: Consumer;
const stored: { topic: string; message: KafkaMessage }[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "ingress-"));
  broker = await startKafka({
    dataDir,
    port: 0,
    topics: topics.map((name) => ({ name, partitions: 1 })),
  });
  kafka = openKafka({ brokers: broker.address, clientId: "test" });
  ingress = await startIngress({
    brokers: [{ namespace: "tasks", name: "default", topic: "ing-broker" }],
    sinks: [
      { namespace: "tasks", name: "sink-binary", topic: "ing-sink-binary", contentMode: "binary" },
      {
        namespace: "tasks",
        name: "sink-structured",
        topic: "ing-sink-structured",
        contentMode: "structured",
      },
    ],
    kafka,
    port: 0,
    report: createReport({ print: () => {} }),
  });
  consumer = kafka.consumer({ groupId: "reader", maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, message }) => void stored.push({ topic, message }),
  });
});

afterAll(async () => {
  await consumer.disconnect();
  await ingress[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

// One after another: a case's record is the one that comes next on its topic.
describe("the receiver, recorded", () => {
  test.for(cases)("$name", async (recorded) => {
    const before = stored.length;
    const answer = await send(recorded);
    expect(answer).toEqual({ status: recorded.response.status, body: "" });
    if (recorded.record === null) return;
    await expect.poll(() => stored.length, { interval: 5 }).toBe(before + 1);
    const [record] = stored.slice(before);
    const { traceparent } = recorded.request.headers;
    expect(seenOf(record, traceparent)).toEqual(expectedOf(recorded.record, traceparent));
  });

  test("nothing else was stored", () => {
    expect(stored).toHaveLength(cases.filter(({ record }) => record !== null).length);
  });
});

function send({ request: recorded }: IngressCase): Promise<{ status: number; body: string }> {
  const headers: string[] = ["host", `127.0.0.1:${ingress.port}`];
  for (const [name, value] of recorded.headerList ?? Object.entries(recorded.headers)) {
    // What the recording's own page origin was is not the point of the case.
    if (name !== "origin") headers.push(name, value);
  }
  for (const [name, value] of Object.entries(recorded.headersBase64 ?? {})) {
    headers.push(name, Buffer.from(value, "base64").toString("latin1"));
  }
  const body = bodyOf(recorded);
  if (body.length > 0) headers.push("content-length", String(body.length));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port: ingress.port,
        host: "127.0.0.1",
        method: recorded.method,
        path: recorded.path,
        headers,
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
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

/** The order of extensions in a structured value follows a hash in Java. */
function comparableValue(bytes: Buffer | null, isStructured: boolean): unknown {
  if (bytes === null || !isStructured) return bytes?.toString("base64") ?? null;
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    return bytes.toString("utf8");
  }
}

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
    key: message?.key?.toString("base64") ?? null,
    headers: Object.fromEntries(headers) as unknown,
    value:
      value !== null && value.length > 10_000
        ? sha256(value)
        : comparableValue(value, topic.endsWith("structured")),
  };
}

function expectedOf(
  record: NonNullable<IngressCase["record"]>,
  sentTraceparent: string | undefined,
) {
  const { topic, key, headers, valueBase64, valueSha256 } = record;
  const named = Object.entries(headers).map(([name, value]) => [
    name,
    comparableHeader(name, Buffer.from(value, "base64"), sentTraceparent),
  ]);
  const value = valueBase64 == null ? null : Buffer.from(valueBase64, "base64");
  return {
    topic,
    key,
    headers: Object.fromEntries(named) as unknown,
    value: valueSha256 ?? comparableValue(value, topic.endsWith("structured")),
  };
}
