/**
 * Whether readers of a published schema and of the present one take each other's data. Both stand open for unknown
 * members, and events stay on the topic: so the two must accept the same data. What may change is what says nothing
 * about it: descriptions, and optional members without any constraint. (Libraries for this pass over `pattern`,
 * `enum` or `const`.)
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = { [key: string]: Json };

/** JSON Schema 2020-12, "Meta-Data", and the names of the schema itself. */
const annotations = new Set(
  "$schema $id $comment title description examples default deprecated readOnly writeOnly".split(
    " ",
  ),
);
/** Keywords whose members are named by the data, or by a definition. */
const maps = new Set(["properties", "patternProperties", "$defs", "dependentSchemas"]);
/** Keywords with values that are no schemas. */
const values = new Set(["const", "enum", "required", "type", "dependentRequired"]);

/** A sentence that says what breaks and what to do instead, or null. */
export function brokenPromise(type: string, published: object, present: object): string | null {
  const places = differences(normal(toJson(published)), normal(toJson(present)), "");
  if (places.length === 0) return null;
  const list = places.map((place) => `  ${place}`).join("\n");
  return (
    `The schema of ${type} no longer accepts the same data as docs/schema/published/${type}.json:\n${list}\n` +
    `Readers of ${type} would refuse events that others send, or those that are on the topic. Take the change back in ` +
    "lib/events/task.ts: a new member is optional and without a constraint; anything else is a new event type beside it."
  );
}

const toJson = (schema: object): Json => JSON.parse(JSON.stringify(schema)) as Json;

const isObject = (json: Json | undefined): json is Schema =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** Without annotations, unconstrained optional members and the order of `required` and `enum`. */
function normal(schema: Json): Json {
  if (schema === true) return {};
  if (!isObject(schema)) return schema;
  const kept: Schema = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (!annotations.has(keyword)) kept[keyword] = normalValue(keyword, value);
  }
  return withoutFreeMembers(kept);
}

function normalValue(keyword: string, value: Json): Json {
  if (values.has(keyword))
    return Array.isArray(value) && keyword !== "const" ? sorted(value) : value;
  if (maps.has(keyword) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, normal(it)]));
  }
  return Array.isArray(value) ? value.map(normal) : normal(value);
}

const sorted = (list: Json[]): Json[] =>
  [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** In a schema that is not closed, naming a member without saying anything of it changes nothing. */
function withoutFreeMembers(schema: Schema): Schema {
  const { properties, ...rest } = schema;
  if (!isObject(properties) || Object.keys(rest).some((it) => closing.has(it))) return schema;
  const bound = Object.entries(properties).filter(
    ([, member]) => !(isObject(member) && Object.keys(member).length === 0),
  );
  return bound.length === 0 ? rest : { ...rest, properties: Object.fromEntries(bound) };
}

/** With these, which members are named decides what is refused. */
const closing = new Set(["additionalProperties", "unevaluatedProperties", "patternProperties"]);

/** JSON pointers with what stands there before and after. */
function differences(before: Json | undefined, after: Json | undefined, pointer: string): string[] {
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) =>
      differences(before[name], after[name], `${pointer}/${name}`),
    );
  }
  if (canonical(before) === canonical(after)) return [];
  if (isList(before) && isList(after) && /\/(?:allOf|anyOf)$/.test(pointer)) {
    // Their order says nothing.
    const left = before.filter((it) => !after.some((other) => canonical(it) === canonical(other)));
    const right = after.filter((it) => !before.some((other) => canonical(it) === canonical(other)));
    if (left.length === right.length && before.length === after.length) {
      return left.flatMap((it, index) =>
        differences(it, right[index], `${pointer}/${before.indexOf(it)}`),
      );
    }
  }
  return [`${pointer}: ${shown(before)} → ${shown(after)}`];
}

const isList = (json: Json | undefined): json is Json[] => Array.isArray(json);

/** Alike for members in another order. */
const canonical = (json: Json | undefined): string =>
  JSON.stringify(json, (_, value: Json) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  ) ?? "nothing";

const shown = (json: Json | undefined): string => {
  const text = canonical(json);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};
