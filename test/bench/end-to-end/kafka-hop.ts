/** Bare kafkajs: a record produced, and consumed in the same process. */
import { randomUUID } from "node:crypto";
import { openKafka } from "../../../lib/kafka/client.ts";
import { createTopics } from "../../../lib/kafka/create-topics.ts";
import { dataOf, type Hop } from "./hop.ts";

const partitions = 12;

export async function openKafkaHop(brokers: string): Promise<Hop> {
  await using opening = new AsyncDisposableStack();
  const kafka = openKafka({ brokers, clientId: "bench" });
  const topic = `bench-${randomUUID()}`;
  const admin = kafka.admin();
  await admin.connect();
  await createTopics(kafka, [{ topic, numPartitions: partitions }]);
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  opening.defer(() => producer.disconnect());
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 500 });
  await consumer.connect();
  opening.defer(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  let arrived: (id: string) => void = () => undefined;
  const joined = Promise.withResolvers<void>();
  consumer.on("consumer.group_join", () => joined.resolve());
  await consumer.run({
    eachMessage: ({ message }) => {
      arrived(message.headers?.["ce_id"]?.toString() ?? "");
      return Promise.resolve();
    },
  });
  await joined.promise;
  const open = opening.move();
  return {
    send: (id) => {
      const headers = { ce_specversion: "1.0", ce_id: id, ce_source: "/bench", ce_type: "bench" };
      const { task_id: key, ...data } = dataOf(id);
      const value = JSON.stringify({ task_id: key, ...data });
      return producer.send({ topic, acks: -1, messages: [{ key, value, headers }] });
    },
    onArrival: (listener) => void (arrived = listener),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
