/** A CloudEvent as the Broker's ingress reads it from HTTP: what it refuses, and what it lets through. */
import { memberBytes, parseJson } from "../../../lib/events/json.ts";
import type { JsonValue } from "../../../lib/events/event.ts";
import { rewriteJson } from "../../../lib/events/jackson.ts";
import { isObject } from "../../../lib/events/structured.ts";
import { isJavaUri, toJavaTime } from "./java-syntax.ts";

export interface IncomingEvent {
  /** By CloudEvents name, extensions included, `datacontenttype` left out. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly contentType: string | undefined;
  readonly data: Buffer | null;
  /** Null: none. `not-text`: a number or boolean, on which the receiver fails when it makes the record's key. */
  readonly partitionKey: { readonly text: string } | "not-text" | null;
}

/** Why a request is no CloudEvent: answered 400. */
export class NotAnEventError extends Error {
  override readonly name = "NotAnEventError";
}

const refuse = (message: string): never => {
  throw new NotAnEventError(message);
};

const structuredType = "application/cloudevents+json";

/** `headers` in lower case. Content mode is told by the exact content type first, as in the Java SDK. */
export function readEvent(headers: ReadonlyMap<string, string>, body: Buffer): IncomingEvent {
  const mediaType = headers.get("content-type")?.split(";", 1)[0]?.trim();
  if (mediaType === structuredType) return readStructured(body);
  if (headers.has("ce-specversion")) return readBinary(headers, body);
  return refuse("neither ce-specversion nor content type application/cloudevents+json");
}

function readBinary(headers: ReadonlyMap<string, string>, body: Buffer): IncomingEvent {
  const attributes = new Map<string, string>();
  for (const [name, value] of headers) {
    if (name.startsWith("ce-")) attributes.set(name.slice(3), value);
  }
  const contentType = headers.get("content-type") ?? attributes.get("datacontenttype");
  attributes.delete("datacontenttype");
  const partitionKey = attributes.get("partitionkey");
  return {
    attributes: checked(attributes),
    contentType,
    data: body.length === 0 ? null : body,
    partitionKey: partitionKey === undefined ? null : { text: partitionKey },
  };
}

function checked(attributes: Map<string, string>): Map<string, string> {
  const specversion = attributes.get("specversion") ?? "";
  if (specversion !== "1.0" && specversion !== "0.3") refuse(`specversion "${specversion}"`);
  for (const name of ["id", "source", "type"]) {
    if (!attributes.has(name)) refuse(`the attribute ${name} is missing`);
  }
  for (const name of ["source", specversion === "1.0" ? "dataschema" : "schemaurl"]) {
    const value = attributes.get(name);
    if (value !== undefined && !isJavaUri(value)) refuse(`${name} is not a URI`);
  }
  const time = attributes.get("time");
  if (time !== undefined) {
    attributes.set("time", toJavaTime(time) ?? refuse("time is not an RFC 3339 timestamp"));
  }
  for (const name of attributes.keys()) {
    if (!/^[a-z0-9]+$/.test(name)) refuse(`"${name}" is not a name: only a-z and 0-9 are`);
  }
  return attributes;
}

const requiredNames = new Set(["specversion", "id", "source", "type"]);
const optionalNames = new Set("subject time datacontenttype dataschema schemaurl".split(" "));

function readStructured(body: Buffer): IncomingEvent {
  const parsed = parseJson(body);
  if (!("value" in parsed)) return refuse("the body is not JSON");
  if (!isObject(parsed.value)) return refuse("the body is not a JSON object");
  const object = parsed.value;
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(object)) {
    if (name === "data" || name === "data_base64") continue;
    const text = toAttribute(name, value, () => memberBytes(body, name)?.toString("utf8") ?? "");
    if (text !== undefined) attributes.set(name, text);
  }
  const contentType =
    attributes.get("datacontenttype") ?? ("data" in object ? "application/json" : undefined);
  attributes.delete("datacontenttype");
  return {
    attributes: checked(attributes),
    contentType,
    data: readData(object, body, contentType),
    partitionKey: toPartitionKey(object["partitionkey"], attributes),
  };
}

/** Undefined: the attribute is as good as absent. */
function toAttribute(name: string, value: JsonValue, source: () => string): string | undefined {
  if (typeof value === "string") return value;
  if (requiredNames.has(name)) return refuse(`the attribute ${name} must be a string`);
  if (optionalNames.has(name)) {
    return value === null ? undefined : refuse(`the attribute ${name} must be a string`);
  }
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "number") return rewriteJson(source());
  const isInt32 = /^-?\d+$/.test(source()) && (value | 0) === value;
  return isInt32 ? String(value) : refuse(`the extension ${name} must be a 32-bit integer`);
}

function toPartitionKey(
  value: JsonValue | undefined,
  attributes: ReadonlyMap<string, string>,
): IncomingEvent["partitionKey"] {
  if (value === undefined) return null;
  if (typeof value === "number" || typeof value === "boolean") return "not-text";
  return { text: attributes.get("partitionkey") ?? "" };
}

/** The types whose data may be any JSON. A suffix type with a dot in it (`application/vnd.x+json`) is none. */
export const isJsonData = (contentType: string | undefined): boolean =>
  contentType === undefined || /^(application|text)\/([a-zA-Z]+\+)?json(;.*)*$/.test(contentType);

function readData(
  object: Record<string, JsonValue>,
  body: Buffer,
  contentType: string | undefined,
): Buffer | null {
  const { data, data_base64: base64 } = object;
  if (base64 !== undefined) {
    if (data !== undefined) return refuse("both data and data_base64 are given");
    if (typeof base64 !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
      return refuse("data_base64 is not base64");
    }
    return Buffer.from(base64, "base64");
  }
  if (data === undefined) return null;
  if (isJsonData(contentType)) {
    return Buffer.from(rewriteJson(memberBytes(body, "data")?.toString("utf8") ?? ""), "utf8");
  }
  return typeof data === "string"
    ? Buffer.from(data, "utf8")
    : refuse(`data must be a string where datacontenttype is ${contentType}`);
}
