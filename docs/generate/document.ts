/** Every generated file of docs/, as text by path. */
import { stringify } from "yaml";
import { toJsonSchema } from "../../lib/events/json-schema.ts";
import { type EventType, taskEventTypes } from "../../lib/events/task.ts";
import { asyncApi } from "./asyncapi.ts";

const toText = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`;

export const schemaPath = (type: string): string => `schema/${type}.json`;
/** What readers of the type were promised: written once, and never again. */
export const publishedPath = (type: string): string => `schema/published/${type}.json`;

export const schemaText = (eventType: EventType): string => toText(toJsonSchema(eventType));

export function documents(): ReadonlyMap<string, string> {
  const head = "# Made by `make docs` from lib/events and the functions: a change here is lost.\n";
  // Many readers know YAML 1.1 alone: what is no text there is quoted.
  const options = { aliasDuplicateObjects: false, lineWidth: 0, compat: "yaml-1.1" } as const;
  return new Map([
    ["asyncapi.yaml", head + stringify(JSON.parse(JSON.stringify(asyncApi())), options)],
    ...taskEventTypes.map((it) => [schemaPath(it.type), schemaText(it)] as const),
  ]);
}
