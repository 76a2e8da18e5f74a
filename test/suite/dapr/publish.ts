/** What an app publishes through its sidecar, as it is on the topic. */
import { randomUUID } from "node:crypto";
import type { IHeaders } from "kafkajs";
import { describe, expect, it } from "vitest";
import { type Pod, TOPIC } from "./pod.ts";

interface Published {
  readonly key: string | null;
  readonly value: string;
  readonly headers: IHeaders;
}

/** Reads the topic for the record that has the mark. */
async function find({ kafka }: Pod, mark: string): Promise<Published> {
  const groupId = `finder-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const found = Promise.withResolvers<Published>();
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers = {} } }) => {
      const text = String(value);
      if (text.includes(mark)) found.resolve({ key: key && String(key), value: text, headers });
    },
  });
  const record = await found.promise;
  await consumer.disconnect();
  return record;
}

const publish = (pod: Pod, query: string, contentType: string, body: object) =>
  pod.call(`/v1.0/publish/kafka-pubsub/${TOPIC}${query}`, {
    method: "POST",
    headers: { "content-type": contentType },
    body: JSON.stringify(body),
  });

export function publishTests(getPod: () => Pod): void {
  describe("publishing", () => {
    it("makes a CloudEvent around data, in a record without headers", async () => {
      const mark = randomUUID();
      const answer = await publish(getPod(), "", "application/json", { mark });
      expect(answer.status).toBe(204);
      const { value, headers, key } = await find(getPod(), mark);
      expect(JSON.parse(value)).toMatchObject({
        specversion: "1.0",
        type: "com.dapr.event.sent",
        source: "websocket-gateway",
        datacontenttype: "application/json",
        topic: TOPIC,
        pubsubname: "kafka-pubsub",
        data: { mark },
      });
      expect([key, headers]).toEqual([null, {}]);
    });

    it("keeps the CloudEvent that it is given; metadata are its key, and headers that the component lets pass", async () => {
      const mark = randomUUID();
      const event = { specversion: "1.0", id: mark, type: "task.created", source: "/s", data: {} };
      const query =
        "?metadata.partitionKey=t1&metadata.content-type=application/cloudevents%2Bjson";
      await publish(getPod(), query, "application/cloudevents+json", event);
      const { value, headers, key } = await find(getPod(), mark);
      expect(JSON.parse(value)).toMatchObject(event);
      expect(key).toBe("t1");
      expect(headers).toEqual({});
    });

    it("passes raw bytes on as they are", async () => {
      const mark = randomUUID();
      const query = "?metadata.rawPayload=true&metadata.ce_id=1";
      await publish(getPod(), query, "application/json", { mark });
      const { value, headers } = await find(getPod(), mark);
      expect(JSON.parse(value)).toEqual({ mark });
      expect(String(headers["ce_id"])).toBe("1");
    });

    it("refuses another pubsub", async () => {
      const answer = await getPod().call("/v1.0/publish/none/x", { method: "POST", body: "{}" });
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ errorCode: "ERR_PUBSUB_NOT_FOUND" });
    });
  });
}
