/** Holds a value against a kind's schema; each deviation is a sentence with its path. */
import type { TSchema } from "typebox";
import { Settings } from "typebox/system";
import { Value } from "typebox/value";
import type { Fault } from "./fault.ts";
import type { FieldPath } from "./resource.ts";

// The default of 8 would hide the rest of a file's mistakes.
Settings.Set({ maxErrors: 200 });

type SchemaError = ReturnType<typeof Value.Errors>[number];

export function faultsOf(schema: TSchema, value: unknown): Fault[] {
  const faults = Value.Errors(schema, value).flatMap((error) => toFaults(schema, value, error));
  // Each branch of a union and each rule of a field speaks: the first is enough.
  return [...new Map(faults.toReversed().map((it) => [keyOf(it), it])).values()].toReversed();
}

const keyOf = ({ path }: Fault): string => JSON.stringify(path);

function toFaults(schema: TSchema, value: unknown, error: SchemaError): Fault[] {
  const path = fromPointer(error.instancePath);
  const found = at(value, path);
  if (error.keyword === "additionalProperties") {
    return error.params.additionalProperties.map((field) => ({
      path: [...path, field],
      sentence: unknownField(schemaAt(schema, error.schemaPath), path, field),
    }));
  }
  if (error.keyword === "required") {
    return error.params.requiredProperties.map((field) => ({
      path: [...path, field],
      sentence: `${dotted([...path, field])} is missing`,
    }));
  }
  // Said already as an unknown field.
  if (error.keyword === "boolean") return [];
  const wanted =
    error.keyword === "enum"
      ? `must be one of ${error.params.allowedValues.map(String).join(", ")}`
      : error.message;
  return [{ path, sentence: `${dotted(path)} ${wanted}, not ${shown(found)}` }];
}

interface ClosedSchema {
  notSupported?: readonly string[];
  properties?: Record<string, unknown>;
}

function unknownField(schema: unknown, path: FieldPath, field: string): string {
  const { notSupported = [], properties = {} } = (schema ?? {}) as ClosedSchema;
  const where = dotted([...path, field]);
  if (notSupported.includes(field)) return `${where} is not supported by the local runner`;
  const known = Object.keys(properties).toSorted();
  return `unknown field ${where} (known here: ${known.join(", ")})`;
}

type Definitions = Readonly<Record<string, unknown>>;
interface Referring {
  $defs?: Definitions;
  $ref?: string;
}

/** The validator's path to a schema goes through a reference as if what it names stood there. */
function schemaAt(root: TSchema, schemaPath: string): unknown {
  let definitions: Definitions = {};
  let schema: unknown = root;
  for (const step of fromPointer(schemaPath.slice(1))) {
    schema = at(schema, [step]);
    const referring: Referring = schema ?? {};
    definitions = referring.$defs ?? definitions;
    if (referring.$ref !== undefined) schema = definitions[referring.$ref];
  }
  return schema;
}

const fromPointer = (pointer: string): string[] =>
  pointer === ""
    ? []
    : pointer
        .slice(1)
        .split("/")
        .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

const at = (value: unknown, path: FieldPath): unknown =>
  path.reduce<unknown>(
    (inner, step) =>
      typeof inner === "object" && inner !== null
        ? (inner as Record<string, unknown>)[step]
        : undefined,
    value,
  );

/** `spec.containers[0].env[2].value` */
export const dotted = (path: FieldPath): string =>
  path
    .map((step) => (/^\d+$/.test(String(step)) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");

/** Values may be secrets of a person's own: only short plain ones are repeated. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
