/** The data of an event: parsed, and held to the schema of its type. */
import { Compile } from "typebox/compile";
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

type Validator = ReturnType<typeof Compile>;

/** Compiled at first use: a function pays at its cold start only for the types that it meets. */
const validators = new Map<string, Validator | null>(
  taskEventTypes.map((eventType) => [eventType.type, null]),
);

function validatorOf(type: string): Validator | undefined {
  const known = validators.get(type);
  if (known !== null) return known;
  const schema = taskEventTypes.find((eventType) => eventType.type === type)?.schema ?? {};
  const validator = Compile(schema);
  validators.set(type, validator);
  return validator;
}

/** Parses and checks the data. Types outside the contract may carry anything. */
export function checkData(type: string, contentType: string | null, bytes: Buffer): CheckedData {
  const validator = validatorOf(type);
  const parsed = isJsonType(contentType) && bytes.length > 0 ? parseJson(bytes) : undefined;
  const data = parsed !== undefined && "value" in parsed ? parsed.value : undefined;
  const problem =
    validator === undefined
      ? null
      : (unreadable(contentType, bytes, parsed) ?? schemaProblem(type, validator, data));
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
  validator: Validator,
  data: JsonValue | undefined,
): Problem | null {
  if (validator.Check(data)) return null;
  const [first] = validator.Errors(data);
  const path = first?.instancePath === undefined ? "" : first.instancePath;
  return {
    code: "data_invalid",
    message: `data${path} of ${type} ${first?.message ?? "does not match its schema"}`.slice(
      0,
      300,
    ),
  };
}
