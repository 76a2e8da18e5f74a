/** Each file of YAML says what it is for, holds one resource, and nothing that another overlay holds too. */
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { parseAllDocuments, parseDocument, visit } from "yaml";
import { parseResources, readText, ROOT } from "./resource.ts";

const files = globSync(
  ["{eventing,knative,dapr-components}/**/*.{yaml,yml}", "functions/*/func.yaml"],
  { cwd: ROOT },
).toSorted();
const manifests = files.filter((file) => !/kustomization\.yaml$|func\.yaml$/.test(file));
const kustomizations = files.filter((file) => file.endsWith("kustomization.yaml"));

/** A line for an editor may come before. */
const HEAD = /^(?:# yaml-language-server: .*\n)?# \S+ \S.*\.\n(?!#)/;

it.each(files)("%s opens with one comment line that says what it is for", (file) => {
  expect(readText(file)).toMatch(HEAD);
});

it.each(manifests)("%s has one resource or one patch", (file) => {
  expect(parseAllDocuments(readText(file))).toHaveLength(1);
});

/** Every text of the kustomizations, taken for a path: those that are none lead nowhere. */
const named = new Set(
  kustomizations.flatMap((file) => {
    const found: string[] = [];
    visit(parseDocument(readText(file)), {
      Scalar: (_, { value }) =>
        void (typeof value === "string" && found.push(join(dirname(file), value))),
    });
    return found;
  }),
);

it.each(manifests)("%s is named by a kustomization", (file) => {
  expect(named).toContain(file);
});

it("copies nothing: no two files have the same resource, patch or long piece of it", () => {
  const pieces = manifests.flatMap((file) => piecesOf(file).map((piece) => ({ file, piece })));
  const copies = [...Map.groupBy(pieces, ({ piece }) => piece).values()]
    .map((found) => [...new Set(found.map(({ file }) => file))])
    .filter((found) => found.length > 1)
    .filter((found) => new Set(found.map(overlayOf)).size > 1);
  expect(copies).toEqual([]);
});

/** What is told apart: the base, each overlay, each component. */
const overlayOf = (file: string): string =>
  /^knative\/(?:minikube|production|component\/[^/]+)\//.exec(file)?.[0] ?? "base";

const LONG = 400;

/** Of mappings and lists, those that are long enough to be no accident. */
function piecesOf(file: string): string[] {
  const pieces: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const text = JSON.stringify(value);
    if (text.length >= LONG) pieces.push(text);
    for (const inner of Object.values(value)) collect(inner);
  };
  for (const resource of parseResources(readText(file))) collect(resource);
  return pieces;
}
