/** The fields of a task's payload, kept as their producers wrote them, byte for byte. */
import { memberBytes, members } from "../../../lib/events/json.ts";

/** Values are JSON text. */
export type TaskFields = ReadonlyMap<string, string>;

/** Said anew by each occurrence, or read here alone. */
const own = new Set(["recurrence", "occurrence_at", "occurrence_local", "time_zone"]);

/** What one task may hold: the event of an occurrence must pass the Broker, which takes 1 MiB. */
const limitBytes = 1000 * 1024;

/** Of the bytes of an event's data; empty where it has no payload. */
export function readFields(data: Buffer): TaskFields {
  const payload = memberBytes(data, "payload");
  return payload === undefined ? new Map() : fieldsOf(payload);
}

function fieldsOf(json: Buffer): TaskFields {
  const fields = new Map<string, string>();
  for (const { name, value } of members(json)) {
    if (!own.has(name)) fields.set(name, value.toString("utf8"));
  }
  return fields;
}

export const parseFields = (text: string): TaskFields => fieldsOf(Buffer.from(text, "utf8"));

/** The members of `newer` win. */
export const mergeFields = (older: TaskFields, newer: TaskFields): TaskFields =>
  new Map([...older, ...newer]);

/** A task that collected more than the limit over its updates keeps its title alone. */
export function boundFields(fields: TaskFields): TaskFields {
  if (sizeOf(fields) <= limitBytes) return fields;
  const title = new Map([...fields].filter(([name]) => name === "title"));
  return sizeOf(title) <= limitBytes ? title : new Map();
}

const sizeOf = (fields: TaskFields): number => Buffer.byteLength(formatFields(fields));

export const formatFields = (fields: TaskFields): string =>
  `{${[...fields].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
