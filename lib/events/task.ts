/** The contract: the event types of a task and the schema of their data, one source for types, checks and documents. */
import { type Static, Type } from "typebox";

/**
 * Control characters would make Knative drop the record without a trace (they cannot be sent as a header). A surrogate
 * without its other half is no text in UTF-8: two such ids would become one in every database.
 */
const identifier = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: 256,
    pattern: "^(?:[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]|[\\ud800-\\udbff][\\udc00-\\udfff])*$",
  });

const shortText = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 64 });

export const recurrenceSchema = Type.Object(
  {
    rrule: Type.String({
      description: "The rule, without DTSTART.",
      minLength: 1,
      maxLength: 512,
      examples: ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH"],
    }),
    dtstart: shortText("The first occurrence: a wall clock (2026-12-01T08:00:00) or an instant."),
    time_zone: shortText("IANA name: Europe/Berlin."),
    exdates: Type.Optional(
      Type.Array(shortText("An occurrence that is left out, as in dtstart."), { maxItems: 1000 }),
    ),
    catch_up: Type.Optional(
      Type.Union([Type.Literal("all"), Type.Literal("latest"), Type.Literal("none")], {
        description: "Which missed occurrences are triggered late; without it, all.",
      }),
    ),
  },
  { title: "Recurrence", description: "RFC 5545 recurrence rule of a task, in a time zone." },
);

const optionalText = (maxLength: number, description: string) =>
  Type.Optional(Type.Union([Type.String({ maxLength }), Type.Null()], { description }));

/** Fields that the functions read. Whatever else a producer puts there passes through. */
const payloadSchema = Type.Object(
  {
    title: optionalText(10_000, "What is shown in mails and lists."),
    description: optionalText(1_000_000, "The task at length."),
    due_at: optionalText(64, "RFC 3339."),
    recurrence: Type.Optional(Type.Union([recurrenceSchema, Type.Null()])),
  },
  { description: "Fields of the task. Others pass through as they are." },
);

const taskId = identifier("The task. Also `subject` and `partitionkey` of the event.");
const userId = identifier("Whose task it is: who is notified, and who sees the event.");

const taskDataSchema = Type.Object({
  task_id: taskId,
  user_id: userId,
  payload: Type.Optional(Type.Union([payloadSchema, Type.Null()])),
});

const triggeredDataSchema = Type.Object({
  task_id: taskId,
  user_id: userId,
  payload: Type.Intersect([
    payloadSchema,
    Type.Object({
      occurrence_at: shortText("The instant, RFC 3339 in UTC: 2026-12-01T07:00:00Z."),
      occurrence_local: shortText("The same as a wall clock in `time_zone`."),
      time_zone: shortText("IANA name: Europe/Berlin."),
    }),
  ]),
});

export type TaskData = Static<typeof taskDataSchema>;
export type TriggeredData = Static<typeof triggeredDataSchema>;
export type Recurrence = Static<typeof recurrenceSchema>;

/** An event type of the contract: its CloudEvents `type` and the schema of its `data`. */
export interface EventType<Data = unknown> {
  readonly type: string;
  readonly summary: string;
  readonly schema: object;
  /** Never set: carries the type of the data. */
  readonly data?: Data;
}

const define = <Data>(type: string, summary: string, schema: object): EventType<Data> => ({
  type,
  summary,
  schema,
});

export const taskCreated = define<TaskData>("task.created", "A task was created.", taskDataSchema);
export const taskUpdated = define<TaskData>(
  "task.updated",
  "Fields of a task changed.",
  taskDataSchema,
);
export const taskCompleted = define<TaskData>("task.completed", "A task was done.", taskDataSchema);
export const taskDeleted = define<TaskData>("task.deleted", "A task was removed.", taskDataSchema);
export const taskRecurringTriggered = define<TriggeredData>(
  "task.recurring.triggered",
  "An occurrence of a recurring task is due.",
  triggeredDataSchema,
);

export const taskEventTypes: readonly EventType[] = [
  taskCreated,
  taskUpdated,
  taskCompleted,
  taskDeleted,
  taskRecurringTriggered,
];
