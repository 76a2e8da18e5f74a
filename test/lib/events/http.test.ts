/** The border: binary, structured and batched requests become the same event. */
import { HTTP } from "cloudevents";
import { describe, expect, it } from "vitest";
import type { Event } from "../../../lib/events/event.ts";
import { fromHttp } from "../../../lib/events/http.ts";
import { toStructured } from "../../../lib/events/structured.ts";

const receivedAt = new Date("2026-11-23T12:00:00Z");
const data = { task_id: "t1", user_id: "u1", payload: { title: "Buy milk" } };
const attributes = {
  specversion: "1.0",
  id: "e1",
  source: "/task-app",
  type: "task.created",
  subject: "t1",
  time: "2026-11-23T11:59:59Z",
};

function parse(headers: Record<string, string>, body: string | Buffer): readonly Event[] {
  const result = fromHttp({ headers, body: Buffer.from(body), receivedAt });
  if ("problem" in result) throw new Error(result.problem.message);
  return result.events;
}

const one = (headers: Record<string, string>, body: string | Buffer): Event => {
  const [event] = parse(headers, body);
  if (event === undefined) throw new Error("no event");
  return event;
};

const binary = (changes: Record<string, string> = {}) => ({
  "content-type": "application/json",
  ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
  ...changes,
});

const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };

describe("content modes", () => {
  it("makes the same event of binary, structured and batched mode", () => {
    const json = JSON.stringify({ ...attributes, partitionkey: "t1", data });
    const fromBinary = one(binary({ "ce-partitionkey": "t1" }), JSON.stringify(data));
    const fromStructured = one(structured, json);
    const fromBatch = parse(
      { "content-type": "application/cloudevents-batch+json" },
      `[${json} , ${json}]`,
    );
    expect(fromStructured).toEqual(fromBinary);
    expect(fromBatch).toEqual([fromBinary, fromBinary]);
    expect(fromBinary).toMatchObject({ taskId: "t1", userId: "u1", problem: null });
  });

  it("keeps the bytes of the data as they came, in each mode", () => {
    const raw =
      '{ "task_id":"t1","user_id":"u1", "payload":{"n":1e400,"big":12345678901234567890,"x":1.0} }';
    const json = `{"specversion":"1.0","id":"e1","source":"/s","type":"task.created","data":${raw},"z":"1"}`;
    expect(one(binary(), raw).bytes.toString()).toBe(raw);
    expect(one(structured, json).bytes.toString()).toBe(raw);
    const batch = parse(
      { "content-type": "application/cloudevents-batch+json" },
      `[${json},${json}]`,
    );
    expect(batch.map((event) => event.bytes.toString())).toEqual([raw, raw]);
  });

  it("embeds the data unchanged in the JSON event format", () => {
    const raw = '{"task_id":"t1","user_id":"u1","payload":{"big":12345678901234567890}}';
    const text = toStructured(one(binary({ "ce-partitionkey": "t1" }), raw));
    expect(text).toContain(`"data":${raw}}`);
    expect(HTTP.toEvent({ headers: structured, body: text })).toMatchObject({
      id: "e1",
      partitionkey: "t1",
    });
  });

  it("reads data_base64, and text data of a text content type", () => {
    const base = { specversion: "1.0", id: "e1", source: "/s", type: "x.y" };
    const bytes = one(structured, JSON.stringify({ ...base, data_base64: "AAH+/w==" })).bytes;
    expect([...bytes]).toEqual([0, 1, 254, 255]);
    const text = JSON.stringify({ ...base, datacontenttype: "text/plain", data: "hello" });
    expect(one(structured, text).bytes.toString()).toBe("hello");
  });

  it("takes the position out of the extensions", () => {
    const event = one(
      binary({ "ce-knativekafkapartition": "3", "ce-knativekafkaoffset": "42" }),
      JSON.stringify(data),
    );
    expect(event.position).toEqual({ partition: 3, offset: 42 });
    expect(event.extensions).toEqual({});
  });
});

describe("what is no CloudEvent", () => {
  it.each([
    ["no ce headers", { "content-type": "application/json" }, "{}", 400],
    ["no content type at all", {}, "hello", 400],
    ["structured, not JSON", structured, "{", 400],
    ["structured, an array", structured, "[]", 400],
    ["structured, not UTF-8", structured, Buffer.from([0x7b, 0xff, 0x7d]), 400],
    [
      "a batch that is no array",
      { "content-type": "application/cloudevents-batch+json" },
      "{}",
      400,
    ],
    ["the XML event format", { "content-type": "application/cloudevents+xml" }, "<event/>", 415],
  ])("refuses %s", (_, headers, body, status) => {
    const result = fromHttp({ headers, body: Buffer.from(body), receivedAt });
    expect(result).toMatchObject({ status, problem: { code: "not_an_event" } });
  });

  it.each([
    ["specversion 0.3", { "ce-specversion": "0.3" }, "specversion"],
    ["an empty id", { "ce-id": "" }, "id is missing"],
    ["no source", { "ce-source": "" }, "source is missing"],
    ["a source with blanks", { "ce-source": "not a uri" }, "URI-reference"],
    ["a time of today", { "ce-time": "today" }, "RFC 3339"],
    ["31 February", { "ce-time": "2026-02-31T00:00:00Z" }, "RFC 3339"],
    ["a relative dataschema", { "ce-dataschema": "schema" }, "absolute URI"],
    ["an empty subject", { "ce-subject": "" }, "subject is empty"],
    ["an extension with a hyphen", { "ce-my-ext": "v" }, "extension"],
    ["an extension called data", { "ce-data": "v" }, "reserved"],
  ])("names what is wrong with %s", (_, change, message) => {
    const { problem } = one(binary(change), JSON.stringify(data));
    expect(problem).toMatchObject({ code: "attribute_invalid" });
    expect(problem?.message).toContain(message);
  });
});

describe("data that breaks the contract", () => {
  const deep = `{"task_id":"t1","user_id":"u1","payload":${'{"a":'.repeat(1001)}1${"}".repeat(1001)}}`;
  it.each([
    ["no data", "", "data_missing"],
    ["broken JSON", "{", "data_not_json"],
    ["JSON that is not UTF-8", Buffer.from([0x22, 0xff, 0x22]), "data_not_json"],
    ["1,002 levels", deep, "data_too_deep"],
    ["an array", "[]", "data_invalid"],
    ["a task_id that is a number", '{"task_id":1,"user_id":"u1"}', "data_invalid"],
    ["no user_id", '{"task_id":"t1"}', "data_invalid"],
    ["half a surrogate pair as task_id", '{"task_id":"\\ud800","user_id":"u1"}', "data_invalid"],
    ["a task_id with a line feed", '{"task_id":"a\\nb","user_id":"u1"}', "data_invalid"],
    ["a payload that is a string", '{"task_id":"t1","user_id":"u1","payload":"x"}', "data_invalid"],
    [
      "a recurrence without time zone",
      '{"task_id":"t1","user_id":"u1","payload":{"recurrence":{"rrule":"FREQ=DAILY","dtstart":"2026-01-01T00:00:00"}}}',
      "data_invalid",
    ],
  ])("says so for %s", (_, body, code) => {
    expect(one(binary(), body).problem).toMatchObject({ code });
  });

  it("lets unknown types carry anything, and unknown fields pass", () => {
    expect(one(binary({ "ce-type": "task.archived" }), "not json").problem).toBeNull();
    expect(
      one(binary(), '{"task_id":"t1","user_id":"u1","x":{"y":[1]},"payload":{"z":null}}').problem,
    ).toBeNull();
  });
});
