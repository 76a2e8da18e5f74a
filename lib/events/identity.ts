/** What names an event for ever, and what tells whether two events of one name say the same. */
import { createHash, hash } from "node:crypto";
import type { Event } from "./event.ts";

/** SHA-256 of source and id. JSON keeps them apart and writes every string in its own way, lone surrogates included. */
export const identityKey = (event: { readonly source: string; readonly id: string }): Buffer =>
  hash("sha256", JSON.stringify([event.source, event.id]), "buffer");

/** Trace context differs between two sendings of one event. */
const traceExtensions = new Set(["traceparent", "tracestate"]);

type Content = Pick<
  Event,
  "type" | "subject" | "time" | "datacontenttype" | "dataschema" | "extensions" | "bytes"
>;

/** Equal for events with the same attributes and the same bytes of data. */
export function contentDigest(event: Content): Buffer {
  const extensions = Object.entries(event.extensions)
    .filter(([name]) => !traceExtensions.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const { type, subject, time, datacontenttype, dataschema } = event;
  return createHash("sha256")
    .update(JSON.stringify([type, subject, time, datacontenttype, dataschema, extensions]))
    .update(event.bytes)
    .digest();
}
