/** The JSON event format: a CloudEvent as one JSON object, in and out. */
import { emptyAttributes, setAttribute } from "./attribute.ts";
import type { Attributes, Event, JsonValue, Problem } from "./event.ts";
import { memberBytes } from "./json.ts";

/** What one JSON object says: the attributes, the data's bytes, and what of it broke the JSON format. */
export interface Structured {
  readonly attributes: Attributes;
  readonly bytes: Buffer;
  readonly problem: Problem | null;
}

export const isObject = (value: unknown): value is Record<string, JsonValue> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isJsonType = (contentType: string | null): boolean =>
  contentType === null || /^\s*[^\s;]+[/+]json\s*(;|$)/i.test(contentType);

/** Reads an object in the JSON event format. `json` are the bytes that `object` was parsed from. */
export function fromStructured(object: Record<string, JsonValue>, json: Buffer): Structured {
  const attributes = emptyAttributes();
  let problem: Problem | null = null;
  for (const [name, value] of Object.entries(object)) {
    if (name === "data" || name === "data_base64" || value === null) continue;
    if (typeof value === "object" || (isCore(name) && typeof value !== "string")) {
      problem ??= { code: "attribute_invalid", message: `attribute "${name}" must be a string` };
    } else {
      setAttribute(attributes, name, String(value));
    }
  }
  const data = dataBytes(object, json, attributes.datacontenttype);
  if (Buffer.isBuffer(data)) {
    if (data.length > 0) attributes.datacontenttype ??= "application/json";
    return { attributes, bytes: data, problem };
  }
  return { attributes, bytes: Buffer.alloc(0), problem: problem ?? data };
}

const core = new Set(
  "id source type specversion subject time datacontenttype dataschema".split(" "),
);
const isCore = (name: string): boolean => core.has(name);

function dataBytes(
  object: Record<string, JsonValue>,
  json: Buffer,
  contentType: string | null,
): Buffer | Problem {
  const { data, data_base64: base64 } = object;
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined) {
      return { code: "attribute_invalid", message: "both data and data_base64 are given" };
    }
    if (typeof base64 !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
      return { code: "attribute_invalid", message: "data_base64 is not base64" };
    }
    return Buffer.from(base64, "base64");
  }
  if (data === undefined) return Buffer.alloc(0);
  if (typeof data === "string" && !isJsonType(contentType)) return Buffer.from(data, "utf8");
  return memberBytes(json, "data") ?? Buffer.alloc(0);
}

/** What the JSON event format tells of an event. */
export type StructuredEvent = Omit<
  Event,
  "taskId" | "userId" | "position" | "receivedAt" | "problem"
>;

/** The event in the JSON event format; JSON data is embedded as it came, everything else as `data_base64`. */
export function toStructured(event: StructuredEvent): string {
  const attributes: Record<string, string> = {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
  };
  for (const name of ["subject", "time", "datacontenttype", "dataschema"] as const) {
    const value = event[name];
    if (value !== null) attributes[name] = value;
  }
  const head = JSON.stringify({ ...attributes, ...event.extensions });
  if (event.bytes.length === 0) return head;
  return `${head.slice(0, -1)},${dataMember(event)}}`;
}

function dataMember(event: StructuredEvent): string {
  if (event.data !== undefined) return `"data":${event.bytes.toString("utf8")}`;
  return `"data_base64":"${event.bytes.toString("base64")}"`;
}
