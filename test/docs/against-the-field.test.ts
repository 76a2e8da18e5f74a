/** docs/against-the-field.md names each field that the runner refuses, and none that it takes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { kinds } from "../../local/manifest/kind.ts";

interface Schema {
  readonly notSupported?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

function* refusedIn(schema: object): Iterable<string> {
  const { notSupported = [], properties = {}, patternProperties = {}, items } = schema as Schema;
  yield* notSupported;
  for (const inner of Object.values(properties)) yield* refusedIn(inner);
  for (const inner of Object.values(patternProperties)) yield* refusedIn(inner);
  if (items !== undefined) yield* refusedIn(items);
}

const page = readFileSync(join(import.meta.dirname, "../../docs/against-the-field.md"), "utf8");
const table = page.slice(page.indexOf("## Fields that are refused by name"));
const documented = [...table.matchAll(/^\|[^|]*\|(.*)\|$/gm)]
  .flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)])
  .map(([, field = ""]) => field.replace(/^.*\./, ""))
  // What the rows are about, not what they refuse.
  .filter((field) => !["metric", "tracing"].includes(field));

const sorted = (fields: readonly string[]): string[] =>
  [...new Set(fields)].toSorted((a, b) => a.localeCompare(b));

it("lists the fields that a cluster takes and the runner refuses, and no others", () => {
  const refused = Object.values(kinds).flatMap(({ schema }) => [...refusedIn(schema)]);
  expect(sorted(documented)).toEqual(sorted(refused));
});
