/** How a record's headers reach the app, byte for byte or escaped. */
import type { KafkaMessage } from "kafkajs";
import { expect, it } from "vitest";
import {
  queryEscape,
  recordMetadata,
  toHttpHeaders,
} from "../../../../local/dapr/subscription/record-header.ts";

const message = (over: Partial<KafkaMessage> = {}) =>
  ({
    key: Buffer.from("task ü"),
    offset: "7",
    timestamp: "1700000000000",
    value: null,
    headers: {
      ce_id: Buffer.from("grün"),
      host: Buffer.from("x"),
      "content-type": Buffer.from("a/b"),
    },
    ...over,
  }) as KafkaMessage;

const plain = { escapeHeaders: false, excludeHeaders: undefined };

const headersOf = (given: KafkaMessage, settings: Parameters<typeof recordMetadata>[3] = plain) => {
  const list = toHttpHeaders(recordMetadata("t", 3, given, settings));
  return Object.fromEntries(list.flatMap((name, at) => (at % 2 ? [] : [[name, list[at + 1]]])));
};

it("sends place and headers; UTF-8 as Latin-1 characters; its own content type; nothing of the connection's", () => {
  const bytes = (text: string) => Buffer.from(text).toString("latin1");
  expect(headersOf(message())).toEqual({
    "Content-Type": "application/cloudevents+json",
    __key: bytes("task ü"),
    __offset: "7",
    __partition: "3",
    __timestamp: "1700000000000",
    __topic: "t",
    ce_id: bytes("grün"),
  });
});

it("sends no __key for a record without one, the last of repeated headers, an empty one for null", () => {
  const headers = { twice: [Buffer.from("1"), Buffer.from("2")], none: undefined };
  const sent = headersOf(message({ key: null, headers }));
  expect(sent).not.toHaveProperty("__key");
  expect(sent).toMatchObject({ twice: "2", none: "" });
});

it("escapes key and values where the component says so: a newline can be sent then", () => {
  const headers = { ce_id: Buffer.from("a b\nü/~") };
  const sent = headersOf(message({ headers }), { ...plain, escapeHeaders: true });
  expect(sent).toMatchObject({ ce_id: "a+b%0A%C3%BC%2F~", __key: "task+%C3%BC", __topic: "t" });
});

it("escapes every byte as Go does", () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const back = queryEscape(all)
    .toString()
    .replaceAll("+", " ")
    .replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  expect(Buffer.from(back, "latin1")).toEqual(all);
});

it("believes a record's own __offset, as Dapr does, unless the component excludes it", () => {
  const hostile = message({ headers: { __offset: Buffer.from("999"), "a b": Buffer.from("x") } });
  expect(headersOf(hostile)).toMatchObject({ __offset: "999" });
  const excludeHeaders = /^__|[^\w-]/;
  expect(headersOf(hostile, { ...plain, excludeHeaders })).toMatchObject({ __offset: "7" });
  expect(headersOf(hostile, { ...plain, excludeHeaders })).not.toHaveProperty("a b");
});
