/** The messages: each event type in binary content mode, and the forms that carry any type. */
import { taskEventTypes } from "../../lib/events/task.ts";
import { binaryHeaders, deadLetterHeaders, envelope, type Json, plainRecord } from "./attribute.ts";
import { allExamples, deadLetterExample, examplesOf, toHeaders } from "./example.ts";
import { frameMessages } from "./frame.ts";

const types = taskEventTypes.map(({ type }) => type);
const schemaRef = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

export const componentSchemas = (): Json => ({
  ...Object.fromEntries(taskEventTypes.map(({ type, schema }) => [type, schema])),
  event: envelope(types, schemaRef),
  plainRecord: plainRecord(types, schemaRef),
});

type Transport = "kafka" | "http";
const prefixes = { kafka: "ce_", http: "ce-" } as const;

const key = {
  kafka: {
    key: { type: "string", description: "partitionkey, so the task id." },
    bindingVersion: "0.5.0",
  },
};

export const binaryName = (type: string, transport: Transport): string => `${type}.${transport}`;
export const binaryNames = (transport: Transport): string[] =>
  types.map((type) => binaryName(type, transport));

const binaryMessages = (transport: Transport): Json =>
  Object.fromEntries(
    taskEventTypes.map(({ type, summary }) => [
      binaryName(type, transport),
      {
        name: type,
        title: type,
        summary,
        contentType: "application/json",
        headers: {
          allOf: [
            schemaRef(`${transport}Headers`),
            { properties: { [`${prefixes[transport]}type`]: { const: type } } },
          ],
        },
        payload: schemaRef(type),
        ...(transport === "kafka" ? { bindings: key } : {}),
        examples: examplesOf(type).map((example) => ({
          name: example.name,
          headers: toHeaders(example, prefixes[transport]),
          payload: example.data,
        })),
      },
    ]),
  );

export const headerSchemas = (): Json => ({
  kafkaHeaders: binaryHeaders(prefixes.kafka),
  httpHeaders: binaryHeaders(prefixes.http),
  deadLetterHeaders: deadLetterHeaders(prefixes.kafka),
});

const cloudEventsJson = {
  type: "object",
  required: ["content-type"],
  properties: {
    "content-type": { type: "string", pattern: "^application/cloudevents\\+json" },
  },
};

export const componentMessages = (deadLetterTopic: string): Json => ({
  ...binaryMessages("kafka"),
  ...binaryMessages("http"),
  structured: {
    title: "A CloudEvent in structured content mode",
    contentType: "application/cloudevents+json",
    headers: cloudEventsJson,
    payload: schemaRef("event"),
    examples: allExamples().map(({ name, attributes, data }) => ({
      name,
      headers: { "content-type": "application/cloudevents+json" },
      payload: { ...attributes, data },
    })),
  },
  plainRecord: {
    title: "A plain record, of any Kafka client",
    contentType: "application/json",
    payload: schemaRef("plainRecord"),
    bindings: key,
    examples: ["type", "event_type"].map((name) => ({
      name,
      payload: {
        [name]: "task.created",
        task_id: "t1",
        user_id: "u1",
        timestamp: "2026-11-23T12:00:00Z",
        payload: { title: "Buy milk" },
      },
    })),
  },
  deadLetter: {
    title: "An event that a function refused, or could not take within the retries",
    summary: "Key, attributes and data as they were delivered, and why it is here.",
    headers: schemaRef("deadLetterHeaders"),
    payload: { description: "The data as it came: any bytes." },
    examples: [{ name: "refused", ...deadLetterExample(deadLetterTopic) }],
  },
  stored: {
    title: "The event is on disk in Kafka",
    payload: { type: "string", maxLength: 0 },
    bindings: { http: { statusCode: 202, bindingVersion: "0.3.0" } },
  },
  ...frameMessages(),
});
