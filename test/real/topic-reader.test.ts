/** The gateway's reading of a stretch of Apache Kafka's topic of which Kafka holds something back. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { topicReader } from "../../functions/websocket-gateway/topic/topic-reader.ts";
import { openKafka } from "../../lib/kafka/client.ts";
import { createTopics } from "../../lib/kafka/create-topics.ts";
import { lacks, realKafka } from "../support/real.ts";

describe.skipIf(lacks("kafka"))("a stretch with a transaction that is not decided yet", () => {
  const topic = `task-events-${randomUUID()}`;
  const kafka = openKafka({ brokers: realKafka, clientId: "test" });
  const transactionalId = randomUUID();
  const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
  let transaction: Awaited<ReturnType<typeof producer.transaction>>;

  beforeAll(async () => {
    const admin = kafka.admin();
    await Promise.all([admin.connect(), producer.connect()]);
    await createTopics(kafka, [{ topic, numPartitions: 2 }]);
    await admin.disconnect();
    transaction = await producer.transaction();
    const messages = ["a", "b", "c"].map((value) => ({ value, partition: 1 }));
    await transaction.send({ topic, messages });
  });
  afterAll(() => producer.disconnect());

  async function read(until: number): Promise<string[]> {
    const values: string[] = [];
    await topicReader(kafka, topic).read({
      groupId: `reader-${randomUUID()}`,
      from: [0, 0],
      until: [0, until],
      commit: false,
      onRecord: ({ value }) => values.push(String(value)),
    });
    return values;
  }

  it("is not taken for read", { timeout: 60_000 }, async () => {
    const told = () => read(3).then(String, ({ message }: Error) => message);
    const missing = "of partition 1 the records from 0 to 3 do not come";
    await expect.poll(told, { timeout: 60_000 }).toBe(missing);
  });

  it("is read once it is decided, the marker at its end too", async () => {
    await transaction.commit();
    expect(await read(4)).toEqual(["a", "b", "c"]);
  });
});
