/** A change of a schema that breaks its readers is found before it is published; one that does not, passes. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { brokenPromise } from "../../docs/generate/compatibility.ts";
import { publishedPath } from "../../docs/generate/document.ts";
import { toJsonSchema } from "../../lib/events/json-schema.ts";
import { taskEventTypes } from "../../lib/events/task.ts";
import { acceptsOfSchema, docs, readJson } from "./reader.ts";

it.each(taskEventTypes)("the schema of $type keeps what was published", (eventType) => {
  const published = readJson(publishedPath(eventType.type));
  expect(brokenPromise(eventType.type, published, toJsonSchema(eventType))).toBeNull();
});

it("no published type has gone", () => {
  const published = readdirSync(join(docs, "schema", "published")).map((file) =>
    basename(file, ".json"),
  );
  expect(taskEventTypes.map(({ type }) => type)).toEqual(expect.arrayContaining(published));
});

const type = "task.recurring.triggered";
const text = readFileSync(join(docs, publishedPath(type)), "utf8");
const before = JSON.parse(text) as object;
const payload = { recurrence: { rrule: "x", dtstart: "x", time_zone: "x" } };
const places = { occurrence_at: "x", occurrence_local: "x", time_zone: "x" };
const whole = { task_id: "t", user_id: "u", payload: { ...payload, ...places } };

/** The published text with one thing changed. */
function changed(found: string | RegExp, put: string): object {
  const after = text.replace(found, put);
  expect(after).not.toBe(text);
  return JSON.parse(after) as object;
}

const without = (path: readonly string[], value: unknown): unknown => {
  const [name = "", ...rest] = path;
  const members: Record<string, unknown> = { ...(value as Record<string, unknown>) };
  if (rest.length === 0) delete members[name];
  else members[name] = without(rest, members[name]);
  return members;
};
const withField = (name: string, value: unknown) => ({
  ...whole,
  payload: { ...whole.payload, [name]: value },
});

describe("a breaking change", () => {
  // With data on which the two schemas differ: the change does break somebody.
  it.each<[string, object, unknown, string]>([
    [
      "a new required member",
      changed('"task_id",\n', '"task_id",\n"list_id",\n'),
      whole,
      '/required: ["payload","task_id","user_id"] → ["list_id","payload","task_id","user_id"]',
    ],
    [
      "a member that is no longer required",
      changed(/"user_id",\s+"payload"\n/, '"user_id"\n'),
      without(["payload"], whole),
      "/required",
    ],
    [
      "a narrower limit",
      changed("10000", "100"),
      withField("title", "x".repeat(101)),
      "/maxLength",
    ],
    ["a wider limit", changed("10000", "20000"), withField("title", "x".repeat(10_001)), "10000"],
    [
      "a limit that was none",
      changed('"maxItems": 1000', '"maxItems": 1000, "minItems": 1'),
      withField("recurrence", { ...payload.recurrence, exdates: [] }),
      "/minItems: nothing → 1",
    ],
    [
      "another type",
      changed(/"occurrence_at": \{\s+"type": "string"/, '"occurrence_at": {"type": "integer"'),
      whole,
      '/occurrence_at/type: "string" → "integer"',
    ],
    [
      "a type less",
      changed(/\{\s+"type": "null"\s+\}/, "false"),
      withField("title", null),
      "/title/anyOf",
    ],
    ["another value", changed('"const": "all"', '"const": "every"'), catchUp("all"), "/catch_up"],
    [
      "a value more",
      changed(
        /\{\s+"type": "string",\s+"const": "all"\s+\}/,
        '{"const": "all"}, {"const": "weekly"}',
      ),
      catchUp("weekly"),
      "/catch_up/anyOf",
    ],
    [
      "another pattern",
      changed('"pattern": "^', '"pattern": "^x'),
      whole,
      "/properties/task_id/pattern",
    ],
    [
      "a schema that is closed",
      changed('"type": "object",', '"type": "object", "additionalProperties": false,'),
      { ...whole, note: 1 },
      "/additionalProperties: nothing → false",
    ],
    [
      "an optional member with a constraint: others may use the name already",
      changed('"task_id": {', '"priority": {"type": "string"}, "task_id": {'),
      { ...whole, priority: 1 },
      '/properties/priority: nothing → {"type":"string"}',
    ],
    [
      "a member called as an annotation is",
      changed('"title": {', '"titel": {'),
      withField("title", 1),
      "/title",
    ],
  ])("is %s", (_, after, data, place) => {
    expect(acceptsOfSchema(before)(data)).not.toBe(acceptsOfSchema(after)(data));
    expect(brokenPromise(type, before, after)).toContain(place);
  });

  it("says what is to be done instead", () => {
    const sentence = brokenPromise(type, before, changed("10000", "100"));
    expect(sentence).toContain("lib/events/task.ts");
    expect(sentence).toContain("a new event type");
  });
});

function catchUp(value: string): unknown {
  return withField("recurrence", { ...payload.recurrence, catch_up: value });
}

describe("a change that breaks nobody", () => {
  it.each<[string, object]>([
    ["another description", changed("The task at length.", "All of it.")],
    [
      "a title and examples",
      changed('"minLength": 1', '"title": "x", "examples": [1], "minLength": 1'),
    ],
    [
      "an optional member without a constraint",
      changed('"task_id": {', '"priority": {}, "task_id": {'),
    ],
    [
      "one with a description",
      changed('"task_id": {', '"priority": {"description": "high or low"}, "task_id": {'),
    ],
    ["another order", changed(/"task_id",(\s+)"user_id"/, '"user_id",$1"task_id"')],
  ])("is %s", (_, after) => {
    expect(acceptsOfSchema(before)(whole)).toBe(acceptsOfSchema(after)(whole));
    expect(brokenPromise(type, before, after)).toBeNull();
  });

  it("is none where a closed schema names a member more", () => {
    const closed = { type: "object", additionalProperties: false, properties: { a: {} } };
    const wider = { ...closed, properties: { a: {}, b: {} } };
    expect(brokenPromise(type, closed, wider)).toContain("/properties/b: nothing → {}");
  });
});
