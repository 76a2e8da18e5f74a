/** From kustomization.yaml to typed resources: every file that it lists, and every mistake in them at once. */
import { existsSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { type ReadDocument, readDocuments } from "./document.ts";
import type { Problem } from "./error.ts";
import type { Fault } from "./fault.ts";
import { checkName } from "./field/metadata.ts";
import { type KindName, kindOf, kinds, type Manifest } from "./kind.ts";
import { kustomization, type Kustomization } from "./kustomization.ts";
import { checkReferences } from "./reference.ts";
import { faultsOf } from "./validate.ts";

export const FOLDERS = ["eventing", "knative", "dapr-components"] as const;
const KUSTOMIZATION = "kustomization.yaml";

export interface ReadManifest {
  manifest: Manifest;
  problems: Problem[];
  warnings: Problem[];
}

/** Reads `<root>/<folder>/kustomization.yaml` of each folder. Problems are returned, so that others can be added. */
export function readManifest(root: string, folders: readonly string[] = FOLDERS): ReadManifest {
  const manifest = emptyManifest();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  // A resource that could not be read would make each reference to it dangle.
  let isWhole = true;
  for (const folder of folders) {
    const listed = listFiles(root, folder);
    problems.push(...listed.problems);
    isWhole &&= listed.problems.length === 0;
    for (const file of listed.files) {
      const read = readDocuments(root, file);
      problems.push(...read.problems);
      isWhole &&= read.problems.length === 0;
      for (const document of read.documents) {
        const found = addResource(manifest, document);
        problems.push(...found.problems);
        warnings.push(...found.warnings);
        isWhole &&= found.isRead;
      }
    }
  }
  if (isWhole) problems.push(...checkReferences(manifest));
  return { manifest, problems, warnings };
}

const emptyManifest = (): Manifest =>
  Object.fromEntries(Object.keys(kinds).map((name) => [name, []])) as unknown as Manifest;

/** Follows folders that a kustomization.yaml names in place of files. */
function listFiles(root: string, folder: string): { files: string[]; problems: Problem[] } {
  const file = join(folder, KUSTOMIZATION);
  if (!existsSync(join(root, file))) {
    return { files: [], problems: [{ file, line: 1, sentence: "there is no such file" }] };
  }
  const { documents, problems } = readDocuments(root, file);
  const [document] = documents;
  if (document === undefined) return { files: [], problems };
  const faults = faultsOf(kustomization, document.value);
  problems.push(...faults.map((fault) => toProblem(document, fault)));
  if (faults.length > 0) return { files: [], problems };
  const files: string[] = [];
  for (const [index, name] of (document.value as Kustomization).resources.entries()) {
    const path = normalize(join(folder, name));
    const place = document.placeOf(["resources", index]);
    if (!existsSync(join(root, path))) {
      problems.push({ ...place, sentence: `there is no ${path}` });
    } else if (statSync(join(root, path)).isDirectory()) {
      const inner = listFiles(root, path);
      files.push(...inner.files);
      problems.push(...inner.problems);
    } else files.push(path);
  }
  return { files, problems };
}

function addResource(manifest: Manifest, document: ReadDocument) {
  const name = kindOf(document.value);
  if (typeof name !== "string") {
    return { isRead: false, problems: [{ ...document.placeOf(["kind"]), ...name }], warnings: [] };
  }
  const { schema, check } = kinds[name];
  const wrong = faultsOf(schema, document.value);
  if (wrong.length > 0) {
    const sentences = wrong.map((fault) => toProblem(document, fault));
    return { isRead: false, problems: sentences, warnings: [] };
  }
  const { at, placeOf } = document;
  // Checked against the schema of its kind two lines above.
  const resource = { ...(document.value as object), at, placeOf } as never;
  const faults: Fault[] = [...checkName(resource), ...check(resource)];
  const problems = faults.filter(({ isWarning }) => !isWarning);
  const twice = duplicateOf(manifest, name, resource);
  manifest[name].push(resource);
  return {
    isRead: true,
    problems: [...problems.map((fault) => toProblem(document, fault)), ...twice],
    warnings: faults
      .filter(({ isWarning }) => isWarning)
      .map((fault) => toProblem(document, fault)),
  };
}

function duplicateOf<Name extends KindName>(
  manifest: Manifest,
  name: Name,
  resource: Manifest[Name][number],
): Problem[] {
  const { metadata } = resource;
  const earlier = manifest[name].find((it) => it.metadata.name === metadata.name);
  if (earlier === undefined) return [];
  const { file, line } = earlier.at;
  const sentence = `${kinds[name].name} ${metadata.name} is also in ${file}:${String(line)}`;
  return [{ ...resource.at, sentence }];
}

const toProblem = (document: ReadDocument, { path, sentence }: Fault): Problem => ({
  ...document.placeOf(path),
  sentence,
});
