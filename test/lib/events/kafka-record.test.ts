/** Records as real KafkaSource handed them over (test/fixtures/knative), and the identity that all of us give them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromHttp } from "../../../lib/events/http.ts";
import { fromKafkaRecord, type KafkaRecord, toDelivery } from "../../../lib/events/kafka-record.ts";

interface Case {
  readonly name: string;
  readonly source: { kind: string; namespace: string; name: string; topic: string };
  readonly records: readonly {
    partition: number;
    keyBase64: string | null;
    headers: Record<string, string | null> | [string, string | null][];
    valueBase64: string | null;
  }[];
  readonly deliveries: readonly {
    record: number;
    path: string;
    headers: Record<string, string>;
    bodyBase64: string | null;
  }[];
}

const cases = JSON.parse(
  readFileSync(new URL("../../fixtures/knative/dispatch.json", import.meta.url), "utf8"),
) as Case[];
const bytes = (base64: string | null): Buffer | null =>
  base64 === null ? null : Buffer.from(base64, "base64");

const single = cases.filter(
  ({ name, source, records, deliveries }) =>
    source.kind === "KafkaSource" &&
    records.length === 1 &&
    !name.startsWith("refused") &&
    deliveries.every(({ path }) => path === "/" || path === "/moved"),
);

function recordOf({ source, records, deliveries }: Case): KafkaRecord {
  const [record] = records;
  if (record === undefined) throw new Error("a case without a record");
  const entries = Array.isArray(record.headers) ? record.headers : Object.entries(record.headers);
  return {
    topic: source.topic,
    partition: record.partition,
    offset: 0,
    timestampMs: Date.parse(deliveries[0]?.headers["ce-time"] ?? "2026-01-01T00:00:00Z"),
    key: bytes(record.keyBase64),
    headers: Object.fromEntries(entries.map(([name, value]) => [name, bytes(value)])),
    value: bytes(record.valueBase64),
  };
}

describe("a record becomes what KafkaSource sends", () => {
  it.each(single.map((recorded) => [recorded.name, recorded] as const))("%s", (_, recorded) => {
    const delivery = toDelivery(recordOf(recorded), recorded.source);
    const [real] = recorded.deliveries;
    if (real === undefined) {
      expect(delivery).toBeUndefined();
      return;
    }
    const sent = Object.entries(real.headers).filter(([name]) => /^(ce-|content-type$)/.test(name));
    const ours = Object.entries(delivery?.headers ?? {}).filter(
      ([name]) => !name.startsWith("trace"),
    );
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(sent));
    const hasLength = real.headers["content-length"] !== undefined;
    expect(delivery?.body).toEqual(hasLength ? bytes(real.bodyBase64) : null);
  });
});

describe("identity", () => {
  const record = (changes: Partial<KafkaRecord>): KafkaRecord => ({
    topic: "task-events",
    partition: 3,
    offset: 7,
    timestampMs: Date.parse("2026-11-23T12:00:00.120Z"),
    key: null,
    headers: {},
    value: Buffer.from("{}"),
    ...changes,
  });
  const receivedAt = new Date();
  const plain = record({
    key: Buffer.from("t1"),
    value: Buffer.from(
      '{"event_type":"task.created","task_id":"t1","user_id":"u1","timestamp":"2026-11-23T11:00:00Z","payload":{}}',
    ),
  });

  it("names a plain record by its place, alike for every KafkaSource and the gateway", () => {
    const atGateway = fromKafkaRecord(plain, receivedAt);
    for (const name of ["notification", "audit-log"]) {
      const delivery = toDelivery(plain, { namespace: "default", name });
      const result = fromHttp({
        headers: delivery?.headers ?? {},
        body: delivery?.body ?? Buffer.alloc(0),
        receivedAt,
      });
      expect("events" in result && result.events[0]).toEqual(atGateway);
    }
    expect(atGateway).toMatchObject({
      source: "/kafka/task-events",
      id: `3/7@${plain.timestampMs}`,
      type: "task.created",
      subject: "t1",
      time: "2026-11-23T11:00:00Z",
      extensions: { partitionkey: "t1" },
      taskId: "t1",
      userId: "u1",
      position: { partition: 3, offset: 7 },
      problem: null,
    });
  });

  it("gives Dapr's envelope the inner event's identity and data", () => {
    const value = Buffer.from(
      '{"data":{"task_id":"t1","user_id":"u1","n":1.0},"datacontenttype":"application/json","id":"d1","pubsubname":"kafka-pubsub","source":"task-app","specversion":"1.0","type":"task.created"}',
    );
    const event = fromKafkaRecord(record({ value }), receivedAt);
    expect(event).toMatchObject({
      source: "task-app",
      id: "d1",
      type: "task.created",
      problem: null,
    });
    expect(event?.bytes.toString()).toBe('{"task_id":"t1","user_id":"u1","n":1.0}');
  });

  it("names garbage by its place and says what it is", () => {
    const event = fromKafkaRecord(record({ value: Buffer.from("junk") }), receivedAt);
    expect(event).toMatchObject({
      source: "/kafka/task-events",
      problem: { code: "not_an_event" },
    });
    expect(event?.bytes.toString()).toBe("junk");
  });

  it.each([
    ["application/json", '{ "n" : 1.50 }', '{"n":1.5}'],
    ["text/plain", '"{ 1.50 }"', "{ 1.50 }"],
  ])("writes embedded data of %s anew where Knative does: %s", (type, data, written) => {
    const json = `{"specversion":"1.0","id":"i","source":"/s","type":"t","datacontenttype":"${type}","data":${data}}`;
    const headers = { "content-type": "application/cloudevents+json" };
    const event = fromKafkaRecord(record({ headers, value: Buffer.from(json) }), receivedAt);
    expect(event?.bytes.toString()).toBe(written);
  });

  it("unwraps a wrapped record that kept a CloudEvents content type", () => {
    const broken = record({
      headers: { "content-type": "application/cloudevents+json" },
      value: Buffer.from('{"specversion":"1.0","id":"i1","type":"task.created"}'),
    });
    expect(fromKafkaRecord(broken, receivedAt)?.problem).toMatchObject({
      code: "attribute_invalid",
    });
  });

  it("maps an id outside Latin-1 as the dispatcher does", () => {
    const headers = { ce_specversion: "1.0", ce_id: "é€", ce_source: "/s", ce_type: "x.y" };
    expect(fromKafkaRecord(record({ headers }), receivedAt)?.id).toBe("é?");
  });

  it("names an envelope alike with and without its content type, also outside Latin-1", () => {
    const value = Buffer.from('{"specversion":"1.0","id":"é€ ","source":"app","type":"x.y"}');
    const headers = { "content-type": "application/cloudevents+json" };
    const unwrapped = fromKafkaRecord(record({ headers, value }), receivedAt);
    const wrapped = fromKafkaRecord(record({ value }), receivedAt);
    expect(unwrapped?.id).toBe("é?");
    expect(wrapped).toEqual(unwrapped);
  });

  it("names an envelope with an empty id by its place", () => {
    const value = Buffer.from('{"specversion":"1.0","id":"","source":"app","type":"x.y"}');
    expect(fromKafkaRecord(record({ value }), receivedAt)).toMatchObject({
      source: "/kafka/task-events",
      problem: { code: "attribute_invalid" },
    });
  });

  it("names an event with an empty id by its place and content, so that a redelivery is the same", () => {
    const headers = { ce_specversion: "1.0", ce_id: "", ce_source: "/s", ce_type: "x.y" };
    const first = fromKafkaRecord(record({ headers }), receivedAt);
    const again = fromKafkaRecord(record({ headers }), new Date());
    const other = fromKafkaRecord(record({ headers, value: Buffer.from("[]") }), receivedAt);
    expect(first?.problem).toMatchObject({ code: "attribute_invalid" });
    expect(again?.id).toBe(first?.id);
    expect(other?.id).not.toBe(first?.id);
  });
});

it.each([2 ** 63, -(2 ** 63), Number.MAX_SAFE_INTEGER])(
  "a producer's timestamp of %s ends nothing: the record is delivered",
  (timestampMs) => {
    const value = Buffer.from('{"type":"task.created","task_id":"t1","user_id":"u1"}');
    const record = {
      topic: "t",
      partition: 0,
      offset: 1,
      timestampMs,
      key: null,
      headers: {},
      value,
    };
    expect(fromKafkaRecord(record, new Date())).toMatchObject({ id: "0/1@0", taskId: "t1" });
  },
);
