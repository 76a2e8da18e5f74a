/** What real Knative does without a word has a line of its own here. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IHeaders } from "kafkajs";
import type { DeliveryPolicy } from "../../../local/knative/delivery/delivery-policy.ts";
import { startKafkaSource } from "../../../local/knative/kafka-source.ts";
import { createReport } from "../../../local/report.ts";
import { produceNullHeader } from "../../support/null-header.ts";
import { eventHeaders, startLog, type TopicLog } from "./topic-log.ts";
import type { ScriptedAnswer } from "./recording.ts";
import { startScriptedSink } from "./scripted-sink.ts";

let log: TopicLog;

beforeAll(async () => {
  log = await startLog();
});

afterAll(async () => {
  await log[Symbol.asyncDispose]();
});

interface Loss {
  readonly headers?: IHeaders;
  readonly hasNullHeader?: boolean;
  readonly answer?: ScriptedAnswer;
  readonly deadLetterAnswer?: ScriptedAnswer;
  readonly committed?: number;
}

/** The lines of one event e0 at offset 0 of partition 0. */
async function linesOf(topic: string, loss: Loss): Promise<readonly string[]> {
  await log.createTopic(topic, 1);
  const headers = { ...eventHeaders("e0"), ...loss.headers };
  if (loss.hasNullHeader === true) {
    const nullable = { ...headers, "x-null": null };
    await produceNullHeader(log.address, { topic, partition: 0, value: "{}", headers: nullable });
  } else await log.produce(topic, [{ value: "{}", headers }]);
  await using sink = await startScriptedSink([loss.answer ?? { status: 204 }]);
  await using deadLetterSink = await startScriptedSink([loss.deadLetterAnswer ?? { status: 204 }]);
  const delivery: DeliveryPolicy = {
    retry: 1,
    backoffPolicy: "linear",
    backoffDelayMs: 10,
    timeoutMs: 1_000,
    deadLetterSinkUrl: loss.deadLetterAnswer && deadLetterSink.url,
  };
  const lines: string[] = [];
  await using _ = await startKafkaSource({
    source: {
      namespace: "default",
      name: "source",
      topics: [topic],
      consumerGroup: topic,
      ordering: "ordered",
      initialOffset: "earliest",
      consumers: 1,
      delivery,
    },
    functionName: "audit-log",
    sinkUrl: sink.url,
    kafka: log.kafka,
    report: createReport({ print: (line) => lines.push(line) }),
    commitIntervalMs: 50,
  });
  await expect.poll(() => lines.filter((line) => line.startsWith("audit-log: "))).toHaveLength(1);
  const { committed = 1 } = loss;
  if (committed > 0) await expect.poll(() => log.committed(topic, topic)).toEqual({ 0: committed });
  else expect(await log.committed(topic, topic)).toEqual({ 0: -1 });
  return lines.filter((line) => line.startsWith("audit-log: "));
}

test("a record with a null header value", async () => {
  expect(await linesOf("null", { hasNullHeader: true })).toEqual([
    "audit-log: ERROR: event e0 (null 0/0) dropped: a header value is null or has a control character. " +
      "Knative drops and commits it silently",
  ]);
});

test("a record with a control character in an attribute", async () => {
  expect(await linesOf("control", { headers: { ce_subject: "a\u0001b" } })).toEqual([
    "audit-log: ERROR: event e0 (control 0/0) dropped: a header value is null or has a control character. " +
      "Knative drops and commits it silently",
  ]);
});

test("an attribute that Latin-1 cannot hold", async () => {
  const headers = { ce_subject: "Käse für 5 €", ce_tenant: "日本" };
  expect(await linesOf("latin", { headers })).toEqual([
    "audit-log: WARNING: event e0 (latin 0/0) changed: ? is sent for what Latin-1 has not, in ce-subject, ce-tenant. " +
      "Knative does so silently",
  ]);
});

test("an answer header kne- with a hyphen behind it", async () => {
  const answer = { status: 422, headers: { "kne-error-code": "7" } };
  const deadLetterAnswer = { status: 204 };
  expect(await linesOf("hyphen", { answer, deadLetterAnswer, committed: 0 })).toEqual([
    'audit-log: ERROR: event e0 (hyphen 0/0) never finished: the answer has a header kne-error-code: only a-z and 0-9 may follow "kne-". ' +
      "Knative stops here, silently and for ever",
  ]);
});

test("an event that nobody takes, without a deadLetterSink", async () => {
  expect(await linesOf("untaken", { answer: { status: 400 } })).toEqual([
    "audit-log: ERROR: event e0 (untaken 0/0) dropped: nobody took it and there is no deadLetterSink. " +
      "Knative drops and commits it silently",
  ]);
});

test("a dead letter that nobody takes", async () => {
  const answer = { status: 400 };
  expect(await linesOf("dead-letter", { answer, deadLetterAnswer: { status: 500 } })).toEqual([
    "audit-log: ERROR: event e0 (dead-letter 0/0) dropped: the deadLetterSink answered 500. " +
      "Knative drops and commits it silently",
  ]);
});

test("a redirect that turns the POST into a GET", async () => {
  const answer = { status: 303, headers: { location: "/moved" } };
  expect(await linesOf("redirected", { answer })).toEqual([
    "audit-log: ERROR: event e0 (redirected 0/0) redirected: a GET counts as its delivery. Knative does so silently",
  ]);
});
