/** Kubernetes resources as plain values: what a kustomization renders, or the base read without kustomize. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

export const ROOT = join(import.meta.dirname, "../..");

export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: unknown;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/** `undefined` where a step of the path leads nowhere. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}

export const listAt = (value: unknown, ...path: readonly (string | number)[]): unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
};

/** `undefined` for what is no text. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

export const textsAt = (value: unknown, ...path: readonly string[]): Record<string, string> =>
  (at(value, ...path) ?? {}) as Record<string, string>;

/** `KafkaSource/audit-log`: the begin of each sentence about it. */
export const nameOf = ({ kind, metadata }: Resource): string => `${kind}/${metadata.name}`;

export const isKnativeService = ({ apiVersion, kind }: Resource): boolean =>
  kind === "Service" && apiVersion.startsWith("serving.knative.dev/");

export const parseResources = (text: string): Resource[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Resource | null)
    .filter((resource) => resource !== null);

/** `parent` takes the revision template of a Knative Service, the template of a Job, a CronJob, a StatefulSet, … */
export function templateOf({ spec }: Resource): unknown {
  return at(spec, "jobTemplate", "spec", "template") ?? at(spec, "template");
}

export const containersOf = (resource: Resource): unknown[] => [
  ...listAt(templateOf(resource), "spec", "initContainers"),
  ...listAt(templateOf(resource), "spec", "containers"),
];

/** The folders of the base, together what a cluster needs. */
export const BASE = ["eventing", "knative/base", "dapr-components"];

/** Fresh values at each call, for a test to change. The base has resources alone: nothing that only kustomize could do. */
export const readBase = (): Resource[] =>
  BASE.flatMap((folder) =>
    (parse(readText(`${folder}/kustomization.yaml`)) as { resources: string[] }).resources.flatMap(
      (file) => parseResources(readText(`${folder}/${file}`)),
    ),
  );

export const readText = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Each folder that kustomize can build; and the components, which are parts of others. */
export function findKustomizations(): { folders: string[]; components: string[] } {
  const found = globSync("{eventing,knative,dapr-components}/**/kustomization.yaml", { cwd: ROOT });
  const isComponent = (file: string): boolean => at(parse(readText(file)), "kind") === "Component";
  const folders = (files: string[]): string[] => files.map((file) => dirname(file)).toSorted();
  return {
    folders: folders(found.filter((file) => !isComponent(file))),
    components: folders(found.filter(isComponent)),
  };
}
