/** A record as the sidecar delivers it with `rawPayload`: Kafka's headers as HTTP headers, its value in the body. */
import type { KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { isObject } from "../../../lib/events/structured.ts";
import { parseJson } from "../../../lib/events/json.ts";
import { PermanentError } from "../../../lib/host/error.ts";

type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Throws PermanentError 400 where the request is no delivery of the sidecar. */
export function fromSidecar(headers: HttpHeaders, body: Buffer): KafkaRecord {
  const decode = decoderOf(headers);
  const value = payloadOf(body);
  const recordHeaders: Record<string, Buffer> = {};
  for (const [name, given] of Object.entries(headers)) {
    if (name.startsWith("ce_") && typeof given === "string") recordHeaders[name] = decode(given);
  }
  // The sidecar sends its own content type in place of the record's: of a binary event only the data can tell.
  const isBinary = recordHeaders["ce_type"] !== undefined;
  if (
    isBinary &&
    recordHeaders["ce_datacontenttype"] === undefined &&
    "value" in parseJson(value)
  ) {
    recordHeaders["content-type"] = Buffer.from("application/json");
  }
  const key = headers["__key"];
  return {
    topic: textOf(headers, "__topic"),
    partition: numberOf(headers, "__partition"),
    offset: numberOf(headers, "__offset"),
    timestampMs: timestampOf(headers),
    key: typeof key === "string" && key !== "" ? decode(key) : null,
    headers: recordHeaders,
    value,
  };
}

/** The CloudEvent around the value is the sidecar's own; its id is new in each delivery. */
function payloadOf(body: Buffer): Buffer {
  const parsed = parseJson(body);
  const wrapper = "value" in parsed ? parsed.value : undefined;
  if (!isObject(wrapper)) throw notADelivery("the body is no JSON object");
  const { data_base64: base64 } = wrapper;
  if (base64 === undefined || base64 === null) return Buffer.alloc(0);
  if (typeof base64 !== "string") throw notADelivery("data_base64 is no string");
  return Buffer.from(base64, "base64");
}

/** What Go's url.QueryEscape leaves. */
const escaped = /^(?:[\w.~*+-]|%[\dA-F]{2})*$/;

/**
 * UTF-8, which Node shows as Latin-1. Where the component sets `escapeHeaders` (a newline in a value could not be
 * sent otherwise), every value is query-escaped: seen by there being no character that such an escape would not leave. Our component
 * sets it, so a `+` among such values is a blank.
 */
function decoderOf(headers: HttpHeaders): (value: string) => Buffer {
  const values = Object.entries(headers)
    .filter(([name]) => name.startsWith("ce_") || name === "__key")
    .map(([, value]) => String(value));
  if (!values.every((value) => escaped.test(value))) return (value) => Buffer.from(value, "latin1");
  return (value) => unescape(value);
}

/** Bytes, not text: a key need not be UTF-8. */
function unescape(value: string): Buffer {
  const latin1 = value
    .replaceAll("+", " ")
    .replace(/%([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, "latin1");
}

function textOf(headers: HttpHeaders, name: string): string {
  const value = headers[name];
  if (typeof value === "string" && value !== "") return value;
  throw notADelivery(`the header ${name} is missing`);
}

function numberOf(headers: HttpHeaders, name: string): number {
  const text = textOf(headers, name);
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw notADelivery(`the header ${name} is no number`);
}

/** Any 64-bit number: what a producer stamped must not hold up what comes behind its record. */
function timestampOf(headers: HttpHeaders): number {
  const text = textOf(headers, "__timestamp");
  if (/^-?\d{1,19}$/.test(text)) return Number(text);
  throw notADelivery("the header __timestamp is no number");
}

const notADelivery = (message: string): PermanentError =>
  new PermanentError("not_a_delivery", message, { status: 400 });
