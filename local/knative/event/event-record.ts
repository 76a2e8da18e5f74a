/** The Kafka record that ingress and KafkaSink write for an event, in binary or structured content mode. */
import { isJsonData, type IncomingEvent } from "./incoming-event.ts";
import { nextSpan } from "./trace-context.ts";

export interface EventRecord {
  readonly key: Buffer | null;
  readonly headers: Record<string, Buffer>;
  readonly value: Buffer | null;
}

/** The trace of the request goes on in the record; no other header of it does. */
export type TraceContext = Readonly<Record<"traceparent" | "tracestate", string | undefined>>;

export function toBinaryRecord(event: IncomingEvent, trace: TraceContext): EventRecord {
  const headers = traceHeaders(trace);
  for (const [name, value] of event.attributes) headers[`ce_${name}`] = Buffer.from(value);
  if (event.contentType !== undefined) headers["content-type"] = Buffer.from(event.contentType);
  return { key: keyOf(event), headers, value: event.data };
}

export function toStructuredRecord(event: IncomingEvent, trace: TraceContext): EventRecord {
  const headers = traceHeaders(trace);
  headers["content-type"] = Buffer.from("application/cloudevents+json");
  return { key: keyOf(event), headers, value: structuredValue(event) };
}

function traceHeaders(trace: TraceContext): Record<string, Buffer> {
  const headers: Record<string, Buffer> = {};
  const traceparent = nextSpan(trace.traceparent);
  if (traceparent === undefined) return headers;
  headers["traceparent"] = Buffer.from(traceparent);
  if (trace.tracestate !== undefined) headers["tracestate"] = Buffer.from(trace.tracestate);
  return headers;
}

const keyOf = ({ partitionKey }: IncomingEvent): Buffer | null =>
  partitionKey === null || partitionKey === "not-text" ? null : Buffer.from(partitionKey.text);

const ordered = ["specversion", "id", "source", "type", "datacontenttype", "dataschema", "subject"];

function structuredValue({ attributes, contentType, data }: IncomingEvent): Buffer {
  const all = new Map<string, string | undefined>([
    ...ordered.map((name) => [name, attributes.get(name)] as const),
    ["time", attributes.get("time")],
    ["datacontenttype", contentType],
    ...attributes,
  ]);
  const head = JSON.stringify(Object.fromEntries(all)).slice(0, -1);
  if (data === null) return Buffer.from(`${head}}`);
  // Data of a JSON type is embedded unread, as in the Java SDK: what is no JSON breaks the record.
  return isJsonData(contentType)
    ? Buffer.concat([Buffer.from(`${head},"data":`), data, Buffer.from("}")])
    : Buffer.from(`${head},"data_base64":"${data.toString("base64")}"}`);
}

const batchOverheadBytes = 61;
const recordOverheadBytes = 21;

/** The producer's own upper bound, by which it refuses a record before it is sent. */
export function upperBoundBytes({ key, headers, value }: EventRecord): number {
  let bytes = batchOverheadBytes + recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, header] of Object.entries(headers)) {
    bytes += varintBytes(name.length) + name.length + varintBytes(header.length) + header.length;
  }
  return bytes + varintBytes(Object.keys(headers).length);
}

/** Zigzag, so one bit is the sign's. */
const varintBytes = (value: number): number => Math.floor(Math.log2(value * 2 + 1) / 7) + 1;
