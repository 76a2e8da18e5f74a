/** The schema of an event type's data as a JSON Schema document, named by the `dataschema` of its events. */
import type { EventType } from "./task.ts";

/** One a type, for ever: a change that breaks readers is another type. */
export const dataschemaOf = ({ type }: EventType): string => `urn:task-events:schema:${type}`;

/** JSON Schema 2020-12. */
export const toJsonSchema = (eventType: EventType): object => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: dataschemaOf(eventType),
  title: eventType.type,
  description: `Data of ${eventType.type}: ${eventType.summary}`,
  ...eventType.schema,
});
