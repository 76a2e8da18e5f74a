import type { Kafka } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRecordProducer } from "../../../../local/knative/event/record-producer.ts";
import { startLog, type TopicLog } from "../topic-log.ts";

const topic = "task-events";

let log: TopicLog;
let produceRequests = 0;

/** The same client; its produce requests are counted. */
const counted = (kafka: Kafka): Pick<Kafka, "producer"> => ({
  producer(config) {
    const producer = kafka.producer(config);
    producer.on("producer.network.request", ({ payload }) => {
      if (payload.apiName === "Produce") produceRequests++;
    });
    return producer;
  },
});

beforeAll(async () => {
  log = await startLog();
  await log.createTopic(topic, 12);
});

afterAll(async () => {
  await log[Symbol.asyncDispose]();
});

test("what arrives while a request is on its way shares the next", async () => {
  await using producer = await openRecordProducer(counted(log.kafka) as Kafka);
  const send = (index: number) =>
    producer.send(topic, {
      key: Buffer.from(`t${index % 20}`),
      value: Buffer.from(`${index}`),
      headers: {},
    });
  await send(0);
  produceRequests = 0;
  await Promise.all(Array.from({ length: 200 }, (_, index) => send(index + 1)));
  expect(produceRequests).toBeLessThanOrEqual(2);
  const values = (await log.readAll(topic)).map(({ value }) => Number(value));
  expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 201 }, (_, i) => i));
});
