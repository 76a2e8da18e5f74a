/** The CloudEvents attributes as schemas: one set, named as each wire form names them. */

export type Json = Readonly<Record<string, unknown>>;

const text = (description: string, rest: Json = {}): Json => ({
  type: "string",
  minLength: 1,
  description,
  ...rest,
});

const required = {
  specversion: { type: "string", const: "1.0" },
  id: text("Unique with source: everything deduplicates on the two."),
  source: text("Who produced the event: a URI-reference.", { format: "uri-reference" }),
  type: text("What happened. Types outside the contract go to audit-log and websocket-gateway."),
};

const optional = {
  subject: text("The task id."),
  time: text("When it happened, RFC 3339.", { format: "date-time" }),
  dataschema: text("The $id of the schema of the data.", { format: "uri" }),
  partitionkey: text("The task id: without it there is no order per task."),
  traceparent: text("W3C Trace Context."),
  tracestate: text("W3C Trace Context."),
};

/** What the KafkaSource adds to an event that its function refused or could not take. */
const deadLetter = {
  knativeerrordest: text("The URL of the function.", { format: "uri" }),
  knativeerrorcode: text("Its last status; absent where it did not answer.", {
    pattern: "^[0-9]{3}$",
  }),
  knativeerrordata: text("The first 1,024 bytes of its answer, as base64.", {
    contentEncoding: "base64",
  }),
  reason: text("`<code>: <sentence>`, where the function refused the event for good."),
  knativekafkapartition: text("The partition of the record on the topic of events."),
  knativekafkaoffset: text("Its offset there."),
};

const headersOf = (prefix: string, attributes: Json): Json =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, schema]) => [`${prefix}${name}`, schema]),
  );

/** Binary content mode; `prefix` is `ce-` in HTTP and `ce_` in Kafka. */
export const binaryHeaders = (prefix: string): Json => ({
  type: "object",
  required: [...Object.keys(required).map((name) => `${prefix}${name}`), "content-type"],
  properties: {
    ...headersOf(prefix, { ...required, ...optional }),
    "content-type": text("Of the data.", { examples: ["application/json"] }),
  },
});

/** Any event may end there, one that breaks the contract too. */
export const deadLetterHeaders = (prefix: string): Json => ({
  type: "object",
  required: [...Object.keys(required), "knativeerrordest"].map((name) => `${prefix}${name}`),
  properties: headersOf(prefix, {
    ...required,
    id: { type: "string" },
    source: { type: "string" },
    type: { type: "string" },
    ...deadLetter,
  }),
});

// oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
const when = (condition: Json, then: Json): Json => ({ if: condition, then });

/** The JSON event format. `dataOf` is the schema of the data of a type. */
export const envelope = (types: readonly string[], dataOf: (type: string) => Json): Json => ({
  type: "object",
  description: "A CloudEvent in the JSON event format.",
  required: Object.keys(required),
  properties: {
    ...required,
    ...optional,
    datacontenttype: text("Of the data; without it, application/json."),
    data: { description: "Where the content type is JSON." },
    data_base64: { type: "string", contentEncoding: "base64" },
  },
  allOf: types.map((type) =>
    when(
      { required: ["type"], properties: { type: { const: type } } },
      { required: ["data"], properties: { data: dataOf(type) } },
    ),
  ),
});

/** A record without CloudEvents attributes: its whole value is the data. */
export const plainRecord = (types: readonly string[], dataOf: (type: string) => Json): Json => ({
  type: "object",
  description: "Named by its place: source /kafka/<topic>, id <partition>/<offset>@<timestamp>.",
  anyOf: [{ required: ["type"] }, { required: ["event_type"] }],
  properties: {
    type: text("As of a CloudEvent."),
    event_type: text("In place of type."),
    timestamp: { description: "RFC 3339; else the time of the record counts." },
  },
  allOf: types.flatMap((type) => [
    when({ required: ["type"], properties: { type: { const: type } } }, dataOf(type)),
    when(
      { required: ["event_type"], properties: { type: false, event_type: { const: type } } },
      dataOf(type),
    ),
  ]),
});
