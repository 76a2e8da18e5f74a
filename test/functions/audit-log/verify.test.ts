/** Topics, generations and holes, against the embedded log. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IHeaders, Kafka, Message } from "kafkajs";
import pino from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrations } from "../../../functions/audit-log/migrations.ts";
import { openAuditStore } from "../../../functions/audit-log/store.ts";
import { makeTopics } from "../../../functions/audit-log/topic/make-topics.ts";
import { verify } from "../../../functions/audit-log/verify.ts";
import { openKafka } from "../../../lib/kafka/client.ts";
import { createTopics } from "../../../lib/kafka/create-topics.ts";
import { type RunningKafka, startKafka } from "../../../local/kafka/server.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import {
  deliver,
  getEntries,
  getGeneration,
  type LogLines,
  startAuditLog,
  taskData,
  topic,
} from "./setup.ts";

let folder: string;
let database: TestDatabase;
let broker: RunningKafka;
let kafka: Kafka;
let log: Awaited<ReturnType<typeof startAuditLog>>;

const startBroker = async (): Promise<void> => {
  broker = await startKafka({ dataDir: join(folder, "kafka"), port: broker?.port ?? 0 });
  kafka = openKafka({ brokers: broker.address, clientId: "test" });
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "task-events-verify-"));
  database = await startTestDatabase(migrations);
  await startBroker();
  log = await startAuditLog(database.url);
});
afterEach(async () => {
  await log[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const lines: LogLines = [];
const quiet = pino(
  { level: "info" },
  { write: (line: string) => void lines.push(JSON.parse(line) as never) },
);

async function runTopics(partitions = 2): Promise<void> {
  await using store = openAuditStore(database.url, quiet);
  await makeTopics({
    kafka,
    db: store.writer(),
    topics: [topic, "dead"],
    partitions,
    replicationFactor: 1,
    log: quiet,
  });
}

const runVerify = (now?: () => Date) =>
  verify({
    databaseUrl: database.url,
    maintenanceUrl: database.ownerUrl,
    kafka: { brokers: broker.address },
    topic,
    log: quiet,
    now,
    stallMs: 5_000,
  });

const record = (
  id: string,
  headers: IHeaders = {},
  value: string | null = taskData(),
): Message => ({
  value,
  headers: {
    ce_specversion: "1.0",
    ce_id: id,
    ce_source: "/task-app",
    ce_type: "task.created",
    "content-type": "application/json",
    ...headers,
  },
});

async function produce(partition: number, messages: Message[]): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: messages.map((message) => ({ ...message, partition })) });
  await producer.disconnect();
}

/** As somebody does who knows nothing of generations. */
const remakeTopic = (): Promise<void> => createTopics(kafka, [{ topic, numPartitions: 2 }]);

test("the Job makes the topics, begins one generation, and changes nothing when it runs again", async () => {
  await runTopics();
  const first = await getGeneration(log.url);
  expect(first).toEqual({ topic, generation: expect.any(String) as string, covered: [0, 0] });
  await runTopics();
  expect(await getGeneration(log.url)).toEqual(first);
});

test("more partitions are added, fewer are refused with a sentence", async () => {
  await runTopics(2);
  await runTopics(3);
  expect(
    (await kafka.admin().fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions,
  ).toHaveLength(3);
  await expect(runTopics(2)).rejects.toThrow(/has 3 partitions and PARTITIONS asks for 2/);
});

test("verify records what was never delivered, the records that the dispatcher drops included", async () => {
  await runTopics();
  await produce(0, [
    record("delivered"),
    record("missed"),
    record("control", { ce_subject: "a\u0001b" }),
    { value: "plain text" },
    record("tombstone", {}, null),
  ]);
  await produce(1, [record("other")]);
  expect(await deliver(log.url, { id: "delivered", partition: 0, offset: 0 })).toBe(204);

  expect(await runVerify()).toEqual({
    missing: 5,
    recorded: 5,
    voids: 0,
    lost: 0,
    unread: 0,
    refused: 0,
    alarm: null,
  });
  const { page } = await getEntries(log.url);
  const place = expect.stringMatching(/^0\/\d@\d+$/) as string;
  expect(
    page.entries
      .sort((a, b) => (a.partition ?? 0) - (b.partition ?? 0) || (a.offset ?? 0) - (b.offset ?? 0))
      .map(({ id, type, problem }) => ({ id, type, problem: problem?.code })),
  ).toEqual([
    { id: "delivered", type: "task.created", problem: undefined },
    { id: "missed", type: "task.created", problem: undefined },
    { id: place, type: "task.created", problem: "not_an_event" },
    { id: place, type: "dev.knative.kafka.event", problem: "not_an_event" },
    { id: "tombstone", type: "task.created", problem: "data_missing" },
    { id: "other", type: "task.created", problem: undefined },
  ]);
  expect((await getGeneration(log.url)).covered).toEqual([5, 1]);
  expect(await runVerify()).toMatchObject({ missing: 0 });
  expect(await kafka.admin().listGroups()).toMatchObject({ groups: [] });
});

test("records that retention deleted are reported as lost and stay a hole", async () => {
  await runTopics();
  await produce(0, [record("a"), record("b"), record("c"), record("d")]);
  await deliver(log.url, { id: "a", partition: 0, offset: 0 });
  const admin = kafka.admin();
  await admin.connect();
  // kafkajs deletes only in topics that it has looked up.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "3" }] });
  await admin.disconnect();
  const expected = { missing: 3, recorded: 1, voids: 0, lost: 2, unread: 0 };
  expect(await runVerify()).toMatchObject(expected);
  expect(lines.at(-1)).toMatchObject({ level: 50, lost: 2 });
  expect(await runVerify()).toMatchObject({ missing: 2, recorded: 0, lost: 2 });
  expect((await getGeneration(log.url)).covered).toEqual([1, 0]);
});

test("a topic that ends before what is recorded raises an alarm and a generation, and is recorded anew", async () => {
  await runTopics();
  await produce(0, [record("a"), record("b"), record("c")]);
  await runVerify();
  const { generation } = await getGeneration(log.url);
  await broker[Symbol.asyncDispose]();
  await rm(join(folder, "kafka"), { recursive: true });
  await startBroker();
  await remakeTopic();
  await produce(0, [record("a"), record("new")]);

  expect(await runVerify()).toMatchObject({
    alarm: expect.stringContaining("partition 0 ends at 2, but 3 is recorded") as string,
    missing: 2,
    recorded: 2,
  });
  const raised = await getGeneration(log.url);
  expect(raised).toMatchObject({ covered: [2, 0] });
  expect(raised.generation).not.toBe(generation);
  expect(lines.filter(({ level }) => level === 50).at(-1)?.["msg"]).toContain("re-made");
  // "a" is where it was before: no duplicate of itself.
  expect(lines.filter(({ msg }) => msg === "a second record of an event")).toEqual([]);
  expect((await getEntries(log.url)).page.entries.map(({ id }) => id)).toEqual([
    "a",
    "b",
    "c",
    "new",
  ]);
  expect(await runVerify()).toMatchObject({ alarm: null, missing: 0 });
});

test("a topic that was re-made and is longer now raises an alarm all the same", async () => {
  await runTopics();
  await produce(0, [record("a"), record("b")]);
  await produce(1, [record("c")]);
  await runVerify();
  const { generation } = await getGeneration(log.url);
  await broker[Symbol.asyncDispose]();
  await rm(join(folder, "kafka"), { recursive: true });
  await startBroker();
  await remakeTopic();
  await produce(0, [record("new 0"), record("new 1"), record("new 2")]);
  await produce(1, [record("c"), record("new 3")]);
  // A source that went on where it was before.
  await deliver(log.url, { id: "new 2", partition: 0, offset: 2 });
  await deliver(log.url, { id: "new 3", partition: 1, offset: 1 });

  expect(await runVerify()).toMatchObject({
    alarm: expect.stringContaining("another record is at partition 0, offset 0") as string,
  });
  expect((await getGeneration(log.url)).generation).not.toBe(generation);
  expect((await getEntries(log.url)).page.entries.map(({ id }) => id).toSorted()).toEqual([
    "a",
    "b",
    "c",
    "new 0",
    "new 1",
    "new 2",
    "new 3",
  ]);
  expect(await runVerify()).toMatchObject({ alarm: null, missing: 0 });
});

test("the Job that finds the topic gone begins a generation before it makes it again", async () => {
  await runTopics();
  await produce(0, [record("a")]);
  await runVerify();
  const { generation } = await getGeneration(log.url);
  await broker[Symbol.asyncDispose]();
  await rm(join(folder, "kafka"), { recursive: true });
  await startBroker();
  await runTopics();
  const remade = await getGeneration(log.url);
  expect(remade.covered).toEqual([0, 0]);
  expect(remade.generation).not.toBe(generation);
});

test("another record at a recorded offset raises an alarm at once", async () => {
  await runTopics();
  await deliver(log.url, { id: "a", partition: 0, offset: 0 });
  await deliver(log.url, { id: "b", partition: 0, offset: 1 });
  const { generation } = await getGeneration(log.url);
  expect(await deliver(log.url, { id: "b", partition: 0, offset: 1 })).toBe(204);
  expect((await getGeneration(log.url)).generation).toBe(generation);
  expect(await deliver(log.url, { id: "other", partition: 0, offset: 1 })).toBe(204);
  const raised = await getGeneration(log.url);
  expect(raised.generation).not.toBe(generation);
  expect(log.lines.filter(({ level }) => level === "error")).toMatchObject([
    { event_id: "other", partition: 0, offset: 1 },
  ]);
  expect(await (await fetch(log.metricsUrl)).text()).toMatch(/generation_alarms_total\{[^}]*\} 1/);
  expect((await getEntries(log.url)).page.entries).toHaveLength(3);
});

test("a topic that is not there is a sentence", async () => {
  await expect(runVerify()).rejects.toThrow("There is no topic task-events: run the Job topics.");
});

test("verify makes the coming months, and entries that it records at a month's end lie in theirs", async () => {
  await runTopics();
  await produce(0, [record("late")]);
  await runVerify(() => new Date("2031-12-31T23:59:59.999Z"));
  await produce(0, [record("early")]);
  await runVerify(() => new Date("2032-01-01T00:00:00Z"));
  const { page } = await getEntries(log.url, { from: "2032-01-01T00:00:00Z" });
  expect(page.entries.map(({ id }) => id)).toEqual(["early"]);
});
