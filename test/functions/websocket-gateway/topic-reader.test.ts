/** Reading stretches of the topic from a Kafka that takes its time. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { topicReader } from "../../../functions/websocket-gateway/topic/topic-reader.ts";
import { openKafka } from "../../../lib/kafka/client.ts";
import { createTopics } from "../../../lib/kafka/create-topics.ts";
import { makeFolder } from "../../support/folder.ts";
import { spawnKafka } from "../../support/kafka-process.ts";

const topic = "task-events";
const count = 6;

it("a Kafka that stands still for a while is waited for: its records are no gap", async () => {
  const folder = await makeFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const log = await spawnKafka(folder.path);
  onTestFinished(() => log[Symbol.asyncDispose]());
  const kafka = openKafka({ brokers: log.address, clientId: "test" });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  await createTopics(kafka, [{ topic, numPartitions: 1 }]);
  // A fetch has at most one of them.
  const value = Buffer.alloc(900 * 1024);
  for (let sent = 0; sent < count; sent++) {
    await producer.send({ topic, messages: [{ value }] });
  }
  await Promise.all([admin.disconnect(), producer.disconnect()]);

  const offsets: number[] = [];
  await topicReader(kafka, topic).read({
    groupId: "reader",
    from: [0],
    until: [count],
    commit: false,
    onRecord: ({ offset }) => {
      offsets.push(offset);
      if (offsets.length > 1) return;
      log.child.kill("SIGSTOP");
      void delay(8_000).then(() => log.child.kill("SIGCONT"));
    },
  });
  expect(offsets).toEqual(Array.from({ length: count }, (_, offset) => offset));
});
