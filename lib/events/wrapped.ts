/** Undoes KafkaSource's wrapping: a plain record, or a whole CloudEvent that Dapr published without a content type. */
import { attributeProblem } from "./attribute.ts";
import { checkData } from "./data.ts";
import type { Attributes, Event, JsonValue, Position } from "./event.ts";
import { parseJson } from "./json.ts";
import { asHeaderValue } from "./latin1.ts";
import { fromStructured, isObject } from "./structured.ts";
import { parseTime } from "./time.ts";

/** The type under which KafkaSource hands over whatever is no CloudEvent. */
export const wrappedType = "dev.knative.kafka.event";

/**
 * A record's own name: alike in every function and the gateway; the timestamp keeps a re-made topic from repeating it.
 * "No timestamp" is −1 to some clients and the year 1 to others (sarama, so daprd): all that is negative is 0 here.
 */
export const placeIdentity = (topic: string, position: Position, timestampMs: number) => ({
  source: `/kafka/${topic}`,
  id: `${position.partition}/${position.offset}@${Math.max(0, timestampMs)}`,
});

/** `attributes` are those of the wrapper; its source ends in `#<topic>`, its time is the record's timestamp. */
export function unwrap(
  attributes: Attributes,
  bytes: Buffer,
  position: Position,
  receivedAt: Date,
): Event {
  const recordedMs = parseTime(attributes.time ?? "") ?? 0;
  const topic = attributes.source.slice(attributes.source.lastIndexOf("#") + 1);
  const place = placeIdentity(topic, position, recordedMs);
  const parsed = parseJson(bytes);
  const record = "value" in parsed && isObject(parsed.value) ? parsed.value : undefined;
  if (record !== undefined && isEnvelope(record)) {
    return fromEnvelope(record, { place, bytes, position, receivedAt });
  }
  const type = record === undefined ? undefined : plainType(record);
  if (record === undefined || type === undefined) {
    return notAnEvent(place, attributes, bytes, position, receivedAt);
  }
  return {
    ...place,
    type,
    subject:
      typeof record["task_id"] === "string" && record["task_id"] !== "" ? record["task_id"] : null,
    time: timeOf(record["timestamp"]) ?? attributes.time,
    datacontenttype: "application/json",
    dataschema: null,
    extensions: keptExtensions(attributes),
    bytes,
    ...checkData(type, null, bytes),
    position,
    receivedAt,
  };
}

/** A CloudEvent names its specversion; a plain record does not. */
const isEnvelope = (record: Record<string, JsonValue>): boolean =>
  typeof record["specversion"] === "string" &&
  typeof record["id"] === "string" &&
  typeof record["type"] === "string";

interface Wrapped {
  readonly place: { readonly source: string; readonly id: string };
  readonly bytes: Buffer;
  readonly position: Position;
  readonly receivedAt: Date;
}

/** Where the envelope had its content type, KafkaSource sent its attributes as headers: they are named alike here. */
function fromEnvelope(
  record: Record<string, JsonValue>,
  { place, bytes: json, position, receivedAt }: Wrapped,
): Event {
  const { attributes, bytes, problem } = fromStructured(record, json);
  const { id, source, type, datacontenttype, extensions } = attributes;
  const names = Object.entries(extensions).map(([name, value]) => [name, asHeaderValue(value)]);
  const checked = checkData(type, datacontenttype, bytes);
  return {
    ...(id === "" || source === ""
      ? place
      : { id: asHeaderValue(id), source: asHeaderValue(source) }),
    type: asHeaderValue(type),
    subject: orNull(attributes.subject),
    time: orNull(attributes.time),
    datacontenttype: orNull(datacontenttype),
    dataschema: orNull(attributes.dataschema),
    extensions: Object.fromEntries(names) as Record<string, string>,
    bytes,
    ...checked,
    position,
    receivedAt,
    problem: problem ?? attributeProblem(attributes) ?? checked.problem,
  };
}

const orNull = (value: string | null): string | null =>
  value === null ? null : asHeaderValue(value);

function plainType(record: Record<string, JsonValue>): string | undefined {
  const type = record["type"] ?? record["event_type"];
  return typeof type === "string" && type !== "" ? type : undefined;
}

const timeOf = (timestamp: JsonValue | undefined): string | undefined =>
  typeof timestamp === "string" && parseTime(timestamp) !== undefined ? timestamp : undefined;

/** Key and Kafka headers of the record are not attributes of the event that it carries. */
function keptExtensions(attributes: Attributes): Record<string, string> {
  const { partitionkey, traceparent } = attributes.extensions;
  return {
    ...(partitionkey === undefined ? {} : { partitionkey }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function notAnEvent(
  place: { source: string; id: string },
  attributes: Attributes,
  bytes: Buffer,
  position: Position,
  receivedAt: Date,
): Event {
  return {
    ...place,
    type: wrappedType,
    subject: null,
    time: attributes.time,
    datacontenttype: attributes.datacontenttype,
    dataschema: null,
    extensions: keptExtensions(attributes),
    bytes,
    data: undefined,
    taskId: null,
    userId: null,
    position,
    receivedAt,
    problem: {
      code: "not_an_event",
      message: "the record is neither a CloudEvent nor a JSON object with type or event_type",
    },
  };
}
