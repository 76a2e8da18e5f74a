/** A record as KafkaSource hands it to a function: passed through, unwrapped or wrapped, or not sendable at all. */
import type { Event } from "./event.ts";
import { fromHttp } from "./http.ts";
import { rewriteJson } from "./jackson.ts";
import { memberBytes, parseJson } from "./json.ts";
import { asHeaderValue, isBeyondLatin1, isSendable } from "./latin1.ts";
import { fromStructured, isObject } from "./structured.ts";
import { parseTime } from "./time.ts";
import { wrappedType } from "./wrapped.ts";

type HeaderValue = Buffer | string | null | undefined;

/** As kafkajs gives it: names as they are on the topic, a repeated name as an array. */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly headers: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
  readonly value: Buffer | null;
}

/** What a function is sent: lower-case header names, values in Latin-1. */
export interface Delivery {
  readonly headers: Record<string, string>;
  /** Null: no data, which is sent without a length; an empty value has the length 0. */
  readonly body: Buffer | null;
  /** Headers in which a `?` stands for what Latin-1 has not. */
  readonly replaced: readonly string[];
}

const none = Buffer.alloc(0);
const specversions = new Set(["1.0", "0.3"]);

/** Undefined where the dispatcher cannot send it: the record is then dropped and committed. */
export function toDelivery(
  record: KafkaRecord,
  source: { namespace: string; name: string },
): Delivery | undefined {
  const recordHeaders = lastValues(record);
  if (recordHeaders === undefined) return undefined;
  const { attributes, body, contentType } =
    cloudEventOf(recordHeaders, record.value) ?? wrapped(record, recordHeaders, source);
  const headers: Record<string, string> = {};
  const replaced: string[] = [];
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) return;
    headers[name] = asHeaderValue(value);
    if (isBeyondLatin1(value)) replaced.push(name);
  };
  for (const [name, value] of attributes) {
    set(`ce-${name}`, name === "time" ? withoutTrailingZeros(value) : value);
  }
  set("content-type", contentType);
  set("traceparent", recordHeaders.get("traceparent"));
  set("tracestate", recordHeaders.get("tracestate"));
  headers["ce-knativekafkapartition"] = String(record.partition);
  headers["ce-knativekafkaoffset"] = String(record.offset);
  return Object.values(headers).every(isSendable) ? { headers, body, replaced } : undefined;
}

/** The event that every function makes of the record, or undefined where no function ever gets it. */
export function fromKafkaRecord(record: KafkaRecord, receivedAt: Date): Event | undefined {
  const delivery = toDelivery(record, { namespace: "default", name: "reader" });
  if (delivery === undefined) return undefined;
  const result = fromHttp({ ...delivery, body: delivery.body ?? none, receivedAt });
  return "events" in result ? result.events[0] : undefined;
}

/** The CloudEvent that the record is by itself, its attributes as they came; undefined where KafkaSource would wrap or drop it. */
export function cloudEventIn(record: KafkaRecord): RecordContent | undefined {
  const headers = lastValues(record);
  return headers && cloudEventOf(headers, record.value);
}

const cloudEventOf = (headers: Map<string, string>, value: Buffer | null) =>
  binary(headers, value) ?? structured(headers, value);

/** Header values as text; undefined where one is null, which the dispatcher throws on. */
function lastValues(record: KafkaRecord): Map<string, string> | undefined {
  const values = new Map<string, string>();
  for (const [name, given] of Object.entries(record.headers)) {
    const value = Array.isArray(given) ? (given.at(-1) as HeaderValue) : (given as HeaderValue);
    if (value === null || value === undefined) return undefined;
    values.set(name, value.toString());
  }
  return values;
}

export interface RecordContent {
  /** By CloudEvents name, extensions included, `datacontenttype` left out. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly body: Buffer | null;
  readonly contentType: string | undefined;
}

const isStructured = (headers: Map<string, string>): boolean =>
  headers.get("content-type")?.startsWith("application/cloudevents") ?? false;

function binary(headers: Map<string, string>, value: Buffer | null): RecordContent | undefined {
  if (isStructured(headers)) return undefined;
  const attributes = new Map<string, string>();
  for (const [name, text] of headers)
    if (name.startsWith("ce_")) attributes.set(name.slice(3), text);
  if (!isCloudEvent(attributes)) return undefined;
  const contentType = headers.get("content-type") ?? attributes.get("datacontenttype");
  attributes.delete("datacontenttype");
  return { attributes, body: orNone(value), contentType };
}

/** Of an event no data is as good as empty data; only a wrapped record's empty value is sent as such. */
const orNone = (data: Buffer | null): Buffer | null => (data?.length === 0 ? null : data);

function structured(headers: Map<string, string>, value: Buffer | null): RecordContent | undefined {
  if (!headers.get("content-type")?.startsWith("application/cloudevents+json")) return undefined;
  const parsed = parseJson(value ?? none);
  if (!("value" in parsed) || !isObject(parsed.value) || value === null) return undefined;
  const { attributes, bytes, problem } = fromStructured(parsed.value, value);
  const { extensions, datacontenttype, ...core } = attributes;
  const all = new Map<string, string>();
  for (const [name, text] of [...Object.entries(core), ...Object.entries(extensions)]) {
    if (text !== null && text !== "") all.set(name, text);
  }
  if (problem !== null || !isCloudEvent(all)) return undefined;
  return {
    attributes: all,
    body: sentData(value, bytes),
    contentType: datacontenttype ?? undefined,
  };
}

/** Data that is JSON in the envelope is written anew; a text's and base64's bytes are not. */
function sentData(envelope: Buffer, bytes: Buffer): Buffer | null {
  const isEmbedded = memberBytes(envelope, "data")?.equals(bytes) ?? false;
  return isEmbedded ? Buffer.from(rewriteJson(bytes.toString("utf8"))) : orNone(bytes);
}

/** What the Java SDK accepts: required attributes present (empty will do), extension names a-z0-9, a time, a URI. */
function isCloudEvent(attributes: Map<string, string>): boolean {
  const source = attributes.get("source");
  const time = attributes.get("time");
  return (
    specversions.has(attributes.get("specversion") ?? "") &&
    attributes.has("id") &&
    attributes.has("type") &&
    source !== undefined &&
    /^(?:[^\s%<>"{}|\\^`]|%[0-9A-Fa-f]{2})*$/.test(source) &&
    (time === undefined || (parseTime(time) !== undefined && !/:60(\D|$)/.test(time.slice(16)))) &&
    [...attributes.keys()].every((name) => /^[a-z0-9]+$/.test(name))
  );
}

function wrapped(
  record: KafkaRecord,
  headers: Map<string, string>,
  source: { namespace: string; name: string },
): RecordContent {
  const { topic, partition, offset, key } = record;
  const attributes = new Map<string, string>([
    ["specversion", "1.0"],
    ["id", `partition:${partition}/offset:${offset}`],
    ["source", `/apis/v1/namespaces/${source.namespace}/kafkasources/${source.name}#${topic}`],
    ["type", wrappedType],
    ["subject", `partition:${partition}#${offset}`],
    ["time", instant(record.timestampMs)],
  ]);
  if (key !== null && key.length > 0) {
    attributes.set("key", key.toString()).set("partitionkey", key.toString());
  }
  let contentType: string | undefined;
  for (const [name, value] of headers) {
    if (name.toLowerCase() === "content-type") contentType = value.toLowerCase();
    else attributes.set(`kafkaheader${name.toLowerCase().replace(/[^a-z0-9]/g, "")}`, value);
  }
  return { attributes, body: record.value, contentType };
}

/** A producer may stamp a record with any 64-bit number; dates end sooner. */
const maxDateMs = 8.64e15;

/** A record's timestamp as RFC 3339; never throws. */
export const instant = (ms: number): string =>
  withoutTrailingZeros(new Date(Math.max(-maxDateMs, Math.min(ms, maxDateMs))).toISOString());

/** As Java prints an instant: fractions without trailing zeros, none at a full second. */
const withoutTrailingZeros = (time: string): string =>
  time.replace(/\.(\d*?)0*(?=[Zz+-])/, (_, digits: string) => (digits === "" ? "" : `.${digits}`));
