/** The examples: events as producers send them, the rest made by the code that makes it. */
import { fromKafkaRecord } from "../../lib/events/kafka-record.ts";
import { dataschemaOf } from "../../lib/events/json-schema.ts";
import {
  type EventType,
  taskCompleted,
  taskCreated,
  taskDeleted,
  type TaskData,
  taskEventTypes,
  taskRecurringTriggered,
  taskUpdated,
} from "../../lib/events/task.ts";
import { parseRecurrence } from "../../functions/recurring-task/recurrence/recurrence.ts";
import { toOccurrenceEvent } from "../../functions/recurring-task/firing/occurrence-event.ts";
import type { Json } from "./attribute.ts";

export interface Example {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: Json;
}

const recurrence = {
  rrule: "FREQ=DAILY",
  dtstart: "2026-12-01T08:00:00",
  time_zone: "Europe/Berlin",
};

let lastId = 0;

const example = ({ type }: EventType, name: string, payload?: object): Example => {
  const data: TaskData = { task_id: "t1", user_id: "u1", ...(payload && { payload }) };
  return {
    name,
    attributes: {
      specversion: "1.0",
      id: `example-${String(++lastId)}`,
      source: "/task-app",
      type,
      subject: "t1",
      time: "2026-11-23T12:00:00Z",
      dataschema: dataschemaOf({ type, summary: "", schema: {} }),
      partitionkey: "t1",
    },
    data: { ...data },
  };
};

const given = [
  example(taskCreated, "task", { title: "Buy milk", due_at: "2026-11-24T18:00:00Z" }),
  example(taskCreated, "recurring-task", { title: "Water the plants", recurrence }),
  example(taskUpdated, "no-longer-recurring", { title: "Water the plants", recurrence: null }),
  example(taskUpdated, "field-of-your-own", { priority: "high" }),
  example(taskCompleted, "done"),
  example(taskDeleted, "removed"),
  occurrence(),
];

export const examplesOf = (type: string): readonly Example[] =>
  given.filter(({ attributes }) => attributes["type"] === type);

export const allExamples = (): readonly Example[] =>
  taskEventTypes.flatMap(({ type }) => examplesOf(type));

function occurrence(): Example {
  const { json } = toOccurrenceEvent({
    taskId: "t1",
    userId: "u1",
    fields: new Map([["title", '"Water the plants"']]),
    recurrence: parseRecurrence(recurrence),
    at: Date.parse("2026-12-01T07:00:00Z"),
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  });
  const {
    data,
    datacontenttype: _,
    ...attributes
  } = JSON.parse(json) as Record<string, string> & {
    data: Json;
  };
  return { name: taskRecurringTriggered.type, attributes, data };
}

/** In binary content mode. */
export const toHeaders = ({ attributes }: Example, prefix: string): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [`${prefix}${name}`, value]),
  ),
  "content-type": "application/json",
});

/** An event that no function takes, as the KafkaSink writes it. */
export function deadLetterExample(topic: string): { headers: Json; payload: Json } {
  const payload = { task_id: 1 };
  const headers = toHeaders(example(taskCreated, "refused"), "ce_");
  const event = fromKafkaRecord(
    {
      topic,
      partition: 3,
      offset: 42,
      timestampMs: 0,
      key: null,
      headers,
      value: Buffer.from(JSON.stringify(payload)),
    },
    new Date(0),
  );
  const { code = "", message = "" } = event?.problem ?? {};
  const answer = JSON.stringify({ error: { code, message } });
  const added = {
    ce_knativekafkapartition: "3",
    ce_knativekafkaoffset: "42",
    ce_knativeerrordest: "http://notification.default.svc.cluster.local",
    ce_knativeerrorcode: "422",
    ce_knativeerrordata: Buffer.from(answer).toString("base64"),
    ce_reason: `${code}: ${message}`,
  };
  return { headers: { ...headers, ...added }, payload };
}
