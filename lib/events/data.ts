/** The data of an event: parsed, and held to the schema of its type. */
import type { TSchema } from "typebox";
import type { TLocalizedValidationError } from "typebox/error";
import { Check, Compile, Errors } from "typebox/schema";
import type { JsonValue, Problem } from "./event.ts";
import { maxNestingDepth, parseJson } from "./json.ts";
import { isJsonType, isObject } from "./structured.ts";
import { taskEventTypes } from "./task.ts";

export interface CheckedData {
  readonly data: JsonValue | undefined;
  readonly taskId: string | null;
  readonly userId: string | null;
  readonly problem: Problem | null;
}

/** To compile a schema takes as long as to read it for so many events: a process that meets fewer never does. */
const readBeforeCompiled = 32;

class SchemaCheck {
  readonly #schema: TSchema;
  #read = 0;
  #compiled: ReturnType<typeof Compile> | undefined;

  constructor(schema: TSchema) {
    this.#schema = schema;
  }

  passes(data: JsonValue | undefined): boolean {
    if (this.#read < readBeforeCompiled) {
      this.#read++;
      return Check(this.#schema, data);
    }
    this.#compiled ??= Compile(this.#schema);
    return this.#compiled.Check(data);
  }

  firstError(data: JsonValue | undefined): TLocalizedValidationError | undefined {
    const [, errors] = Errors(this.#schema, data);
    return errors[0];
  }
}

const schemaChecks: ReadonlyMap<string, SchemaCheck> = new Map(
  taskEventTypes.map(({ type, schema }) => [type, new SchemaCheck(schema)]),
);

/** Parses and checks the data. Types outside the contract may carry anything. */
export function checkData(type: string, contentType: string | null, bytes: Buffer): CheckedData {
  const check = schemaChecks.get(type);
  const parsed = isJsonType(contentType) && bytes.length > 0 ? parseJson(bytes) : undefined;
  const data = parsed !== undefined && "value" in parsed ? parsed.value : undefined;
  const problem =
    check === undefined
      ? null
      : (unreadable(contentType, bytes, parsed) ?? schemaProblem(type, check, data));
  const { taskId, userId } = owners(data);
  return { data, taskId, userId, problem };
}

/** The string ids in the data, whatever its type: an unknown type has owners too. */
export function owners(data: JsonValue | undefined): {
  taskId: string | null;
  userId: string | null;
} {
  if (!isObject(data)) return { taskId: null, userId: null };
  const { task_id: taskId, user_id: userId } = data;
  return {
    taskId: typeof taskId === "string" && taskId !== "" ? taskId : null,
    userId: typeof userId === "string" && userId !== "" ? userId : null,
  };
}

function unreadable(
  contentType: string | null,
  bytes: Buffer,
  parsed: ReturnType<typeof parseJson> | undefined,
): Problem | null {
  if (bytes.length === 0) return { code: "data_missing", message: "the event has no data" };
  if (parsed === undefined) {
    return { code: "data_not_json", message: `data must be application/json, not ${contentType}` };
  }
  if ("value" in parsed) return null;
  return parsed.reason === "too_deep"
    ? { code: "data_too_deep", message: `data nests deeper than ${maxNestingDepth}` }
    : { code: "data_not_json", message: "data is not JSON in UTF-8" };
}

function schemaProblem(
  type: string,
  check: SchemaCheck,
  data: JsonValue | undefined,
): Problem | null {
  if (check.passes(data)) return null;
  const first = check.firstError(data);
  const path = first?.instancePath === undefined ? "" : first.instancePath;
  return {
    code: "data_invalid",
    message: `data${path} of ${type} ${first?.message ?? "does not match its schema"}`.slice(
      0,
      300,
    ),
  };
}
