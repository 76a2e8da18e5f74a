/** The border: an HTTP request in binary, structured or batched content mode becomes events in form 1. */
import { createHash } from "node:crypto";
import {
  attributeProblem,
  emptyAttributes,
  setHeader,
  takePosition,
  toPosition,
} from "./attribute.ts";
import { checkData } from "./data.ts";
import type { Attributes, Event, Position, Problem } from "./event.ts";
import { elementBytes, parseJson } from "./json.ts";
import { fromStructured, isObject } from "./structured.ts";
import { unwrap, wrappedType } from "./wrapped.ts";

export interface HttpMessage {
  /** Lower-case names, as node:http gives them: values decoded as Latin-1. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
  readonly receivedAt: Date;
}

/** The events of a request, or why it is no CloudEvent at all. */
export type HttpEvents =
  | { readonly events: readonly Event[]; readonly isBatch: boolean }
  | { readonly problem: Problem; readonly status: 400 | 415 };

const refused = (message: string, status: 400 | 415 = 400): HttpEvents => ({
  problem: { code: "not_an_event", message },
  status,
});

export function fromHttp(message: HttpMessage): HttpEvents {
  const mediaType = mediaTypeOf(message);
  // KafkaSource keeps a wrapped record's content type, application/cloudevents+json included: the wrapper is binary.
  if (
    message.headers["ce-type"] === wrappedType ||
    !mediaType.startsWith("application/cloudevents")
  ) {
    if (message.headers["ce-specversion"] === undefined) {
      return refused("not a CloudEvent: neither ce-specversion nor application/cloudevents+json");
    }
    return { events: [fromBinary(message)], isBatch: false };
  }
  if (mediaType === "application/cloudevents+json") return fromStructuredBody(message);
  if (mediaType === "application/cloudevents-batch+json") return fromBatch(message);
  return refused(`content type ${mediaType} is not supported: use the JSON event format`, 415);
}

function mediaTypeOf(message: HttpMessage): string {
  const contentType = message.headers["content-type"];
  if (contentType === "application/json") return contentType;
  return typeof contentType === "string"
    ? (contentType.split(";", 1)[0] ?? "").trim().toLowerCase()
    : "";
}

/** What is in the object is not taken out of it again: after a deletion V8 treats it as a dictionary. */
function fromBinary({ headers, body, receivedAt }: HttpMessage): Event {
  const attributes = emptyAttributes();
  let partition: string | undefined;
  let offset: string | undefined;
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith("ce-") || typeof value !== "string") continue;
    if (name === "ce-knativekafkapartition") partition = value;
    else if (name === "ce-knativekafkaoffset") offset = value;
    else setHeader(attributes, name, value);
  }
  const contentType = headers["content-type"];
  if (typeof contentType === "string") attributes.datacontenttype = contentType;
  const position = toPosition(partition, offset);
  return toEvent({ attributes, bytes: body, problem: null, position }, receivedAt);
}

function fromStructuredBody({ body, receivedAt }: HttpMessage): HttpEvents {
  const parsed = parseJson(body);
  if (!("value" in parsed)) {
    return refused(`the body is not JSON in UTF-8 nested at most 1,000 levels deep`);
  }
  if (!isObject(parsed.value)) return refused("the body is not a JSON object");
  return {
    events: [toEvent(placed(fromStructured(parsed.value, body)), receivedAt)],
    isBatch: false,
  };
}

function fromBatch({ body, receivedAt }: HttpMessage): HttpEvents {
  const parsed = parseJson(body);
  if (!("value" in parsed) || !Array.isArray(parsed.value)) {
    return refused("the body of a batch is not a JSON array");
  }
  // So that their data goes on unchanged.
  const texts = elementBytes(body);
  const events = parsed.value.map((value: unknown, index) =>
    isObject(value)
      ? toEvent(placed(fromStructured(value, texts[index] ?? body)), receivedAt)
      : toEvent(
          { attributes: emptyAttributes(), bytes: Buffer.alloc(0), problem: null, position: null },
          receivedAt,
        ),
  );
  return { events, isBatch: true };
}

interface Decoded {
  readonly attributes: Attributes;
  readonly bytes: Buffer;
  readonly problem: Problem | null;
  readonly position: Position | null;
}

const placed = (decoded: Omit<Decoded, "position">): Decoded => ({
  ...decoded,
  position: takePosition(decoded.attributes),
});

function toEvent({ attributes, bytes, problem, position }: Decoded, receivedAt: Date): Event {
  if (attributes.type === wrappedType && position !== null) {
    return unwrap(attributes, bytes, position, receivedAt);
  }
  const broken = problem ?? attributeProblem(attributes);
  const { id, source } = identityOf(attributes, position, bytes);
  const { type, datacontenttype } = attributes;
  const checked = checkData(type, datacontenttype, bytes);
  // Member by member: a spread costs as much as all the checks.
  return {
    id,
    source,
    type,
    subject: attributes.subject,
    time: attributes.time,
    datacontenttype,
    dataschema: attributes.dataschema,
    extensions: attributes.extensions,
    bytes,
    data: checked.data,
    taskId: checked.taskId,
    userId: checked.userId,
    position,
    receivedAt,
    problem: broken ?? checked.problem,
  };
}

/**
 * The ingress accepts an empty id or source, which names nothing. On the topic such a record is named by its place and
 * content: a redelivery keeps its name, and another record at that place of a re-made topic gets another.
 */
function identityOf(
  attributes: Attributes,
  position: Position | null,
  bytes: Buffer,
): Pick<Event, "id" | "source"> {
  if (position === null || (attributes.id !== "" && attributes.source !== "")) return attributes;
  const { specversion: _, ...named } = attributes;
  const digest = createHash("sha256").update(JSON.stringify(named)).update(bytes).digest("hex");
  return {
    source: "/kafka/unnamed",
    id: `${position.partition}/${position.offset}#${digest.slice(0, 16)}`,
  };
}
