/** The record by which a dead letter goes back onto the topic: every function must see the same event in it. */
import type { Event } from "../../lib/events/event.ts";
import { contentDigest, identityKey } from "../../lib/events/identity.ts";
import { fromKafkaRecord } from "../../lib/events/kafka-record.ts";
import { toStructured } from "../../lib/events/structured.ts";
import { type Letter, nameOf } from "./letter.ts";

export interface TopicRecord {
  readonly key: string | null;
  readonly headers: Record<string, string>;
  readonly value: Buffer | null;
}

/**
 * What KafkaSource had wrapped is unwrapped: a CloudEvent under the name of the record's first place, because the same
 * plain record at another place would be another event, done a second time. A sentence where no such record exists.
 */
export function toTopicRecord(letter: Letter, topic: string): TopicRecord | string {
  const { event } = letter;
  if (event === undefined) return "it is no CloudEvent";
  const key = event.extensions["partitionkey"] ?? event.taskId;
  const trace = traceHeaders(letter);
  const binary = {
    key,
    headers: { ...toHeaders(event), ...trace },
    value: event.bytes.length === 0 ? null : event.bytes,
  };
  // As Dapr writes one without a content type: no attribute of it becomes a header, which would shorten its time.
  const envelope = { key, headers: trace, value: Buffer.from(toStructured(event)) };
  return (
    [binary, envelope].find((record) => isSame(event, record, topic)) ??
    "at another place of the topic it would be another event: redrive it into its function"
  );
}

function toHeaders(event: Event): Record<string, string> {
  const attributes: Record<string, string | null> = {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.subject,
    time: event.time,
    dataschema: event.dataschema,
    ...event.extensions,
  };
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) headers[`ce_${name}`] = value;
  }
  if (event.datacontenttype !== null) headers["content-type"] = event.datacontenttype;
  return headers;
}

function traceHeaders(letter: Letter): Record<string, string> {
  // No attribute: functions do not see where it comes from.
  const headers: Record<string, string> = { "redriven-from": nameOf(letter) };
  for (const name of ["traceparent", "tracestate"]) {
    const value = letter.delivery.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

function isSame(event: Event, record: TopicRecord, topic: string): boolean {
  const place = { topic, partition: 0, offset: 0, timestampMs: 0 };
  const key = record.key === null ? null : Buffer.from(record.key);
  const again = fromKafkaRecord({ ...record, ...place, key }, event.receivedAt);
  return (
    again !== undefined &&
    identityKey(again).equals(identityKey(event)) &&
    contentDigest(again).equals(contentDigest(event))
  );
}
