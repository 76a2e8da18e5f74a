/** The sidecar's HTTP delivery is the record again, byte for byte, escaped or not. */
import { expect, it } from "vitest";
import { fromKafkaRecord } from "../../../lib/events/kafka-record.ts";
import { recordMetadata, toHttpHeaders } from "../../../local/dapr/subscription/record-header.ts";
import { fromSidecar } from "../../../functions/websocket-gateway/topic/sidecar-record.ts";

const attributes = {
  ce_specversion: "1.0",
  ce_id: "grün/1 +%",
  ce_source: "/test",
  ce_type: "task.created",
  ce_time: "2026-01-01T00:00:00.5Z",
  ce_partitionkey: "tä1",
};
const data = '{"task_id":"t1","user_id":"u1"}';

function deliver(headers: Record<string, string>, value: string | null, escapeHeaders: boolean) {
  const message = {
    key: Buffer.from("tä1"),
    value: value === null ? null : Buffer.from(value),
    timestamp: "1700000000000",
    offset: "7",
    attributes: 0,
    headers: Object.fromEntries(Object.entries(headers).map(([n, v]) => [n, Buffer.from(v)])),
  };
  const settings = { escapeHeaders, excludeHeaders: undefined };
  const list = toHttpHeaders(recordMetadata("task-events", 3, message, settings));
  const received: Record<string, string> = {};
  for (let at = 0; at < list.length; at += 2) {
    received[(list[at] ?? "").toLowerCase()] = list[at + 1] ?? "";
  }
  const body = { id: "random", data_base64: message.value?.toString("base64") };
  const record = fromSidecar(received, Buffer.from(JSON.stringify(body)));
  const original = {
    topic: "task-events",
    partition: 3,
    offset: 7,
    timestampMs: 1_700_000_000_000,
    key: message.key,
    headers: message.headers,
    value: message.value,
  };
  return { record, original };
}

it.each([false, true])(
  "gives the event that the functions get (escapeHeaders: %s)",
  (isEscaped) => {
    const at = new Date();
    const withType = { ...attributes, "content-type": "application/json" };
    const { record, original } = deliver(withType, data, isEscaped);
    expect(fromKafkaRecord(record, at)).toEqual(fromKafkaRecord(original, at));
    expect(record.key).toEqual(original.key);
  },
);

it.each([false, true])(
  "gives plain and enveloped records their identity (escapeHeaders: %s)",
  (isEscaped) => {
    const at = new Date();
    const envelope = `{"specversion":"1.0","id":"i","source":"/s","type":"task.created","data":${data}}`;
    for (const value of [
      `{"type":"task.created","task_id":"t1","user_id":"u1"}`,
      envelope,
      "text",
      null,
    ]) {
      const { record, original } = deliver({ other: "grün 1" }, value, isEscaped);
      expect(fromKafkaRecord(record, at)).toEqual(fromKafkaRecord(original, at));
    }
  },
);

it("refuses what is no delivery with a sentence", () => {
  const place = { __topic: "t", __partition: "0", __offset: "1", __timestamp: "2" };
  const body = Buffer.from("{}");
  expect(() => fromSidecar({ ...place, __offset: undefined }, body)).toThrow("__offset is missing");
  expect(() => fromSidecar({ ...place, __partition: "-1" }, body)).toThrow(
    "__partition is no number",
  );
  expect(() => fromSidecar(place, Buffer.from("[]"))).toThrow("no JSON object");
  expect(() => fromSidecar(place, Buffer.from('{"data_base64":1}'))).toThrow("data_base64");
});

it("reads a blank in an id whose other attributes need no escape", () => {
  const at = new Date();
  const headers = {
    ce_specversion: "1.0",
    ce_id: "a b",
    ce_source: "app",
    ce_type: "task.archived",
  };
  const { record, original } = deliver(headers, data, true);
  expect(fromKafkaRecord(record, at)?.id).toBe("a b");
  expect(fromKafkaRecord(original, at)?.id).toBe("a b");
});

it.each(["-1", "-62135596800000", "9223372036854775807"])(
  "takes the timestamp %s, whatever a producer meant by it",
  (timestamp) => {
    const place = { __topic: "t", __partition: "0", __offset: "1", __timestamp: timestamp };
    const record = fromSidecar(place, Buffer.from('{"data_base64":"e30="}'));
    expect(fromKafkaRecord(record, new Date())?.id).toBe("0/1@0");
  },
);
