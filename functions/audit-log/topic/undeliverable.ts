/** The entry of a record that the dispatcher cannot send and drops: null headers, control characters in attributes. */
import { owners } from "../../../lib/events/data.ts";
import type { Event } from "../../../lib/events/event.ts";
import { fromKafkaRecord, instant, type KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { parseJson } from "../../../lib/events/json.ts";
import { placeIdentity, wrappedType } from "../../../lib/events/wrapped.ts";

/** As every function sees the record; where none ever does, an event named by the record's place, with a problem. */
export const toAuditedEvent = (record: KafkaRecord, receivedAt: Date): Event =>
  fromKafkaRecord(record, receivedAt) ?? toUndeliverable(record, receivedAt);

function toUndeliverable(record: KafkaRecord, receivedAt: Date): Event {
  const { topic, partition, offset, timestampMs } = record;
  const position = { partition, offset };
  const bytes = record.value ?? Buffer.alloc(0);
  const parsed = bytes.length > 0 ? parseJson(bytes) : undefined;
  const data = parsed !== undefined && "value" in parsed ? parsed.value : undefined;
  return {
    ...placeIdentity(topic, position, timestampMs),
    type: cleanHeader(record, "ce_type") ?? wrappedType,
    subject: null,
    time: instant(timestampMs),
    datacontenttype: cleanHeader(record, "content-type") ?? null,
    dataschema: null,
    extensions: {},
    bytes,
    data,
    ...owners(data),
    position,
    receivedAt,
    problem: {
      code: "not_an_event",
      message: "Knative drops this record: a header is null or an attribute has control characters",
    },
  };
}

function cleanHeader({ headers }: KafkaRecord, name: string): string | undefined {
  const given = headers[name];
  const value = Array.isArray(given) ? given.at(-1) : given;
  const text = Buffer.isBuffer(value) || typeof value === "string" ? value.toString() : "";
  return text.replace(/[\u0000-\u001f\u007f]/g, "") || undefined;
}
