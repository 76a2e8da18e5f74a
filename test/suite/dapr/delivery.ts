/** Records in raw mode: their bytes in Dapr's wrapper, whatever they are. */
import { describe, expect, it } from "vitest";
import type { Pod } from "./pod.ts";

export function deliveryTests(getPod: () => Pod): void {
  describe("delivery", () => {
    it("hands over a record in Dapr's wrapper, with its headers and place", async () => {
      const pod = getPod();
      const headers = { ce_id: "1", ce_type: "task.created", "content-type": "application/json" };
      const place = await pod.send({
        key: "t1",
        value: '{"a":1}',
        headers,
        timestamp: "1700000000000",
      });
      const { path, headers: given, body, value } = await pod.received(place);
      expect(path).toBe("/dapr/task-events");
      expect(value.toString()).toBe('{"a":1}');
      expect(body).toMatchObject({
        specversion: "1.0",
        type: "com.dapr.event.sent",
        datacontenttype: "application/octet-stream",
        topic: "task-events",
        pubsubname: "kafka-pubsub",
      });
      expect(given).toMatchObject({
        "content-type": "application/cloudevents+json",
        "dapr-api-token": pod.appApiToken,
        ce_id: "1",
        ce_type: "task.created",
        __key: "t1",
        __topic: "task-events",
        __partition: String(place.partition),
        __offset: String(place.offset),
        __timestamp: "1700000000000",
      });
    });

    it.each<[string, Buffer | null]>([
      ["a traceid that is no string", Buffer.from('{"traceid":123,"traceparent":{},"id":1}')],
      ["an expiration that is past", Buffer.from('{"expiration":"2000-01-01T00:00:00Z"}')],
      ["a text that is no JSON", Buffer.from("not JSON")],
      ["bytes that are no UTF-8", Buffer.from([0xff, 0xfe, 0x00, 0x80])],
      [
        "a structured event",
        Buffer.from('{"specversion":"1.0","id":"1","type":"t","source":"/s"}'),
      ],
      ["nothing at all", Buffer.alloc(0)],
      ["a megabyte, nearly", Buffer.alloc(1_000_000, "x")],
    ])("hands over %s byte for byte", async (_, value) => {
      const place = await getPod().send({ key: "t1", value });
      expect((await getPod().received(place)).value).toEqual(value);
    });

    it("hands over a tombstone as null", async () => {
      const place = await getPod().send({ key: "t1", value: null });
      expect((await getPod().received(place)).value.toString()).toBe("null");
    });

    it("keeps the order of a partition", async () => {
      const pod = getPod();
      const partition = pod.ownPartition();
      const places = [];
      for (let n = 0; n < 50; n++) places.push(await pod.send({ partition, value: String(n) }));
      const last = places.at(-1);
      if (last !== undefined) await pod.received(last);
      const offsets = pod.app.delivered.filter((it) => it.partition === partition);
      expect(offsets.map(({ offset }) => offset)).toEqual(places.map(({ offset }) => offset));
    });
  });
}
