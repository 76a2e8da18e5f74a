/** A record's Kafka headers as the HTTP headers of its delivery. */
import type { KafkaMessage } from "kafkajs";
import type { PubsubSettings } from "../pubsub.ts";

type HeaderSettings = Pick<PubsubSettings, "escapeHeaders" | "excludeHeaders">;

/** Go's http.Request sets these itself, whatever the map of headers says; the last, Dapr. */
const NOT_SENT = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "trailer",
  "connection",
  "content-type",
]);
const CONTENT_TYPE = "application/cloudevents+json";

/**
 * The metadata of a record: its place, and its headers, which come later and win, so that a record that brings a
 * header `__offset` is believed. `excludeHeaderMetaRegex` keeps those away.
 */
export function recordMetadata(
  topic: string,
  partition: number,
  { key, offset, timestamp, headers = {} }: KafkaMessage,
  { escapeHeaders, excludeHeaders }: HeaderSettings,
): Map<string, Buffer> {
  const escape = escapeHeaders ? queryEscape : (value: Buffer) => value;
  const metadata = new Map<string, Buffer>();
  if (key !== null) metadata.set("__key", escape(key));
  const place = {
    __offset: offset,
    __topic: topic,
    __timestamp: timestamp,
    __partition: partition,
  };
  for (const [name, value] of Object.entries(place)) metadata.set(name, Buffer.from(String(value)));
  for (const [name, given] of Object.entries(headers)) {
    if (excludeHeaders?.test(name)) continue;
    const value = Array.isArray(given) ? given.at(-1) : given;
    metadata.set(name, escape(Buffer.from(value ?? "")));
  }
  return metadata;
}

/** In Node's alternating list. Bytes are written as Latin-1 characters, so UTF-8 arrives as it was. */
export function toHttpHeaders(
  metadata: ReadonlyMap<string, Buffer>,
  appApiToken?: string,
): string[] {
  const headers = ["Content-Type", CONTENT_TYPE];
  if (appApiToken !== undefined) headers.push("dapr-api-token", appApiToken);
  for (const [name, value] of metadata) {
    if (!NOT_SENT.has(name.toLowerCase())) headers.push(name, value.toString("latin1").trim());
  }
  return headers;
}

/** Go's url.QueryEscape, on bytes. */
export function queryEscape(value: Buffer): Buffer {
  const escaped = value.toString("latin1").replaceAll(/[^A-Za-z0-9_.~-]/g, escapeByte);
  return Buffer.from(escaped, "latin1");
}

const escapeByte = (character: string): string =>
  character === " "
    ? "+"
    : `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
