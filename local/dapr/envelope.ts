/** The CloudEvents that Dapr itself makes: around what an app publishes, and around a record that is delivered raw. */
import { randomUUID } from "node:crypto";

const DEFAULT_TYPE = "com.dapr.event.sent";

export interface Place {
  topic: string;
  pubsubName: string;
}

/** What the kafka component makes of a tombstone. */
const TOMBSTONE = Buffer.from("null");

/** Its id is random, so another in each delivery. */
export function wrapRaw(value: Buffer | null, { topic, pubsubName }: Place): object {
  return {
    id: randomUUID(),
    specversion: "1.0",
    datacontenttype: "application/octet-stream",
    source: "Dapr",
    type: DEFAULT_TYPE,
    topic,
    pubsubname: pubsubName,
    data_base64: (value ?? TOMBSTONE).toString("base64"),
  };
}

export interface Published extends Place {
  appId: string;
  contentType: string;
  traceparent: string;
  tracestate: string;
  body: Buffer;
}

/** Throws a SyntaxError for a CloudEvent that is no JSON object. */
export function wrapPublished(published: Published): object {
  const { topic, pubsubName: pubsubname, traceparent, tracestate } = published;
  const added = { topic, pubsubname, traceid: traceparent, traceparent, tracestate };
  if (mediaType(published.contentType) === "application/cloudevents+json") {
    const defaults = { source: "Dapr", type: DEFAULT_TYPE, specversion: "1.0" };
    return { ...defaults, ...parseObject(published.body), ...added };
  }
  const { contentType, appId } = published;
  return {
    id: randomUUID(),
    specversion: "1.0",
    datacontenttype: contentType || "text/plain",
    source: appId,
    type: DEFAULT_TYPE,
    time: new Date().toISOString(),
    ...added,
    ...dataOf(published),
  };
}

function dataOf({ contentType, body }: Published): object {
  const type = mediaType(contentType);
  if (type === "application/octet-stream") return { data_base64: body.toString("base64") };
  if (type !== "application/json" && !type.endsWith("+json")) return { data: body.toString() };
  try {
    return { data: JSON.parse(body.toString()) as unknown };
  } catch {
    return { data: body.toString() };
  }
}

function parseObject(body: Buffer): object {
  const value = JSON.parse(body.toString()) as unknown;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new SyntaxError("a CloudEvent is a JSON object");
}

const mediaType = (contentType: string): string =>
  (contentType.split(";")[0] ?? "").trim().toLowerCase();
