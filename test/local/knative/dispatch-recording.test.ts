/** KafkaSource and Trigger beside the recordings of the real dispatcher: requests, dead letters, replies, waits and commits. */
import type { IHeaders } from "kafkajs";
import { afterAll, beforeAll, describe, test, vi, type ExpectStatic } from "vitest";
import type { DeliveryPolicy } from "../../../local/knative/delivery/delivery-policy.ts";
import { startKafkaSource } from "../../../local/knative/kafka-source.ts";
import { startTrigger } from "../../../local/knative/trigger.ts";
import { createReport } from "../../../local/report.ts";
import { produceNullHeader } from "../../support/null-header.ts";
import { startLog, type TopicLog } from "./topic-log.ts";
import { splitByException } from "./exception.ts";
import { comparable, recordings, type DispatchCase, type RecordedRequest } from "./recording.ts";
import { startScriptedSink, type ReceivedRequest } from "./scripted-sink.ts";
import { expectWaits, orderByPartition } from "./timeline.ts";

const { same, different } = splitByException("dispatch", recordings<DispatchCase>("dispatch"));

// They mostly wait.
vi.setConfig({ maxConcurrency: 20 });

let log: TopicLog;

beforeAll(async () => {
  log = await startLog();
});

afterAll(async () => {
  await log[Symbol.asyncDispose]();
});

describe.concurrent("the dispatcher, recorded", { timeout: 30_000 }, () => {
  test.for(same)("$name", (recorded, { expect }) => expectAsRecorded(recorded, expect));
  test.fails.for(different)("$name, differs", (recorded, { expect }) =>
    expectAsRecorded(recorded, expect),
  );
});

async function expectAsRecorded(recorded: DispatchCase, expect: ExpectStatic) {
  const seen = await replay(recorded, expect);
  const isTimesOnly = recorded.deliveries.some(({ headers }) => headers === undefined);
  if (!isTimesOnly) {
    for (const to of ["deliveries", "deadLetters"] as const) {
      expect(asRecorded(recorded, seen[to])).toEqual(byRecord(recorded, recorded[to]));
    }
  }
  expect(seen.deliveries).toHaveLength(recorded.deliveries.length);
  expect(seen.committed).toEqual(recorded.committedOffsets);
  expect(seen.ends).toEqual(recorded.endOffsets);
  expect(seen.replies).toEqual(recorded.replyRecords ?? []);
  if (recorded.source.ordering === "ordered") {
    const partitionOf = (record: number) => recorded.records[record]?.partition;
    expect(orderByPartition(seen, partitionOf)).toEqual(orderByPartition(recorded, partitionOf));
  }
  expectWaits(seen, recorded, expect);
  expectInFlight(seen.maxInFlight, recorded, expect);
}

/** How several ordered partitions meet is chance; unordered, a busy machine may be late with a third of them. */
function expectInFlight(seen: number, recorded: DispatchCase, expect: ExpectStatic) {
  const { maxInFlight, partitions, source } = recorded;
  const isChance = source.ordering === "ordered" && partitions > 1;
  expect(seen).toBeGreaterThanOrEqual(isChance ? 1 : Math.ceil((maxInFlight * 2) / 3));
  expect(seen).toBeLessThanOrEqual(isChance ? partitions : maxInFlight);
}

interface Numbered extends ReceivedRequest {
  readonly record: number;
}

async function replay(recorded: DispatchCase, expect: ExpectStatic) {
  const { name, partitions } = recorded;
  await log.createTopic(name, partitions);
  await produce(recorded);
  const offsets = offsetsOf(recorded);
  const recordOf = (headers: ReceivedRequest["headers"]) =>
    offsets.indexOf(
      `${String(headers["ce-knativekafkapartition"])}/${String(headers["ce-knativekafkaoffset"])}`,
    );
  await using sink = await startScriptedSink(recorded.sinkScript, recordOf);
  await using deadLetterSink = await startScriptedSink(
    recorded.deadLetterScript ?? [{ status: 204 }],
    recordOf,
  );
  const started = await start(recorded, sink.url, deadLetterSink.url);
  const expected = Object.values(recorded.committedOffsets).reduce(
    (sum, offset) => sum + offset,
    0,
  );
  await expect
    .poll(
      async () => ({
        deliveries: sink.received.length,
        deadLetters: deadLetterSink.received.length,
        committed: Object.values(await committed(recorded)).reduce((a, b) => a + b, 0),
      }),
      { timeout: 12_000, interval: 100 },
    )
    .toEqual({
      deliveries: recorded.deliveries.length,
      deadLetters: recorded.deadLetters.length,
      committed: expected,
    });
  await started[Symbol.asyncDispose]();
  const numbered = (request: ReceivedRequest): Numbered => ({
    ...request,
    record: recordOf(request.headers),
  });
  return {
    deliveries: byRecordNumber(sink.received.map(numbered)),
    deadLetters: byRecordNumber(deadLetterSink.received.map(numbered)),
    committed: await committed(recorded),
    ends: await log.ends(name),
    replies: await repliesOf(recorded),
    maxInFlight: sink.maxInFlight(),
  };
}

function start({ name, source }: DispatchCase, sinkUrl: string, deadLetterUrl: string) {
  const egress = {
    namespace: "tasks",
    consumerGroup: name,
    ordering: source.ordering,
    initialOffset: "earliest",
    delivery: policyOf(source.egressConfig ?? {}, deadLetterUrl),
  } as const;
  const options = {
    sinkUrl,
    kafka: log.kafka,
    report: createReport({ print: () => {} }),
    commitIntervalMs: 100,
  };
  if (source.kind === "Trigger") {
    const { filter } = source;
    const trigger = { ...egress, name: "trg", topic: name, filter: filter ? { filter } : {} };
    return startTrigger({ ...options, trigger });
  }
  const kafkaSource = { ...egress, name: "src", topics: [name], consumers: 1 };
  return startKafkaSource({ ...options, source: kafkaSource });
}

function policyOf(
  egress: NonNullable<DispatchCase["source"]["egressConfig"]>,
  deadLetterUrl: string,
): DeliveryPolicy {
  return {
    retry: egress.retry ?? 0,
    backoffPolicy: egress.backoffPolicy === "Linear" ? "linear" : "exponential",
    backoffDelayMs: egress.backoffDelay ?? 200,
    timeoutMs: egress.timeout ?? 600_000,
    deadLetterSinkUrl: egress.deadLetter === undefined ? undefined : deadLetterUrl,
  };
}

const decode = (base64: string | null): Buffer | null =>
  base64 === null ? null : Buffer.from(base64, "base64");

async function produce({ name, records }: DispatchCase) {
  for (const record of records) {
    const headers: Record<string, Buffer | Buffer[] | null> = {};
    for (const [header, value] of record.headerList ?? Object.entries(record.headers)) {
      const earlier = headers[header];
      const bytes = decode(value);
      headers[header] = earlier && bytes ? [earlier, bytes].flat() : bytes;
    }
    const { partition, keyBase64, valueBase64 } = record;
    const message = { partition, key: decode(keyBase64), value: decode(valueBase64) };
    if (isWithoutNull(headers)) await log.produce(name, [{ ...message, headers }]);
    else await produceNullHeader(log.address, { topic: name, ...message, headers });
  }
}

const isWithoutNull = (headers: Record<string, unknown>): headers is IHeaders =>
  !Object.values(headers).includes(null);

function offsetsOf({ records }: DispatchCase): string[] {
  const next = new Map<number, number>();
  return records.map(({ partition }) => {
    const offset = next.get(partition) ?? 0;
    next.set(partition, offset + 1);
    return `${partition}/${offset}`;
  });
}

/** The recordings' groups had committed 0 before the start. */
async function committed({ name, partitions }: DispatchCase): Promise<Record<number, number>> {
  const found = await log.committed(name, name);
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  return Object.fromEntries(
    all.map((partition) => [partition, Math.max(0, found[partition] ?? 0)]),
  );
}

/** What the dispatcher itself put on the topic. */
async function repliesOf({ name, records, replyRecords }: DispatchCase) {
  if (replyRecords === undefined) return [];
  const added = (await log.readAll(name)).slice(records.length);
  return added.map(({ partition, offset, key, headers, value }) => ({
    partition,
    offset: Number(offset),
    keyBase64: key?.toString("base64") ?? null,
    headers: Object.fromEntries(
      Object.entries(headers ?? {}).map(([header, bytes]) => [
        header,
        (bytes as Buffer).toString("base64"),
      ]),
    ),
    valueBase64: value?.toString("base64") ?? null,
  }));
}

const byRecordNumber = <T extends { record: number }>(requests: readonly T[]): T[] =>
  requests.toSorted((a, b) => a.record - b.record);

const byRecord = (recorded: DispatchCase, requests: readonly RecordedRequest[]) =>
  byRecordNumber(requests).map(({ record, method, path, headers = {}, bodyBase64 = "" }) => ({
    record,
    method,
    path,
    headers: comparable(headers, traceparentOf(recorded, record)),
    body: Buffer.from(bodyBase64, "base64").toString("latin1"),
  }));

const asRecorded = (recorded: DispatchCase, requests: readonly Numbered[]) =>
  requests.map(({ record, method, path, headers, body }) => ({
    record,
    method,
    path,
    headers: comparable(headers, traceparentOf(recorded, record)),
    body: body.toString("latin1"),
  }));

const traceparentOf = ({ records }: DispatchCase, record: number): string | undefined =>
  decode(records[record]?.headers["traceparent"] ?? null)?.toString();
