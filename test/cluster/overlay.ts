/** What kustomize renders, and the verdict of the schemas on it, by the real programs. */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { run } from "../../local/real/command.ts";
import { parseResources, type Resource, readText, ROOT } from "./resource.ts";

/** Of the schemas that kubectl-validate has for the built-in kinds: its newest. */
const KUBERNETES = "1.30";

export async function render(kustomize: string, folder: string): Promise<Resource[]> {
  return parseResources(await run(kustomize, ["build", join(ROOT, folder)]));
}

/** Components are parts: they are built with what they are named above, in a folder that kustomize can reach from there. */
export async function renderAbove(
  kustomize: string,
  components: readonly string[],
  below: readonly string[] = ["eventing", "knative/base", "dapr-components"],
): Promise<Resource[]> {
  const folder = join(ROOT, ".state", "kustomize", components.join("-").replaceAll("/", "-"));
  const up = (path: string): string => relative(folder, join(ROOT, path));
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ resources: below.map(up), components: components.map(up) });
  writeFileSync(join(folder, "kustomization.yaml"), text);
  try {
    return parseResources(await run(kustomize, ["build", folder]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Verdict {
  readonly status: string;
  readonly message?: string;
}

/** A sentence for each resource that an API server with our CRDs would refuse. `folder` is written to. */
export async function refusals(
  kubectlValidate: string,
  resources: readonly Resource[],
  folder: string,
): Promise<string[]> {
  for (const [index, resource] of resources.entries()) {
    const name = `${String(index).padStart(3, "0")}-${resource.kind}-${resource.metadata.name}`;
    writeFileSync(join(folder, `${name}.yaml`), JSON.stringify(resource));
  }
  const args = [folder, "--local-crds", join(ROOT, "test/cluster/crd"), "--version", KUBERNETES];
  const { stdout } = await promisify(execFile)(kubectlValidate, [...args, "--output", "json"], {
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: unknown) => {
    // It ends with 1 and the verdicts where it refuses something.
    if ((error as { code?: unknown }).code === 1) return error as { stdout: string };
    throw error;
  });
  const verdicts = JSON.parse(stdout) as Record<string, Verdict[]>;
  return Object.entries(verdicts).flatMap(([file, found]) =>
    found
      .filter(({ status }) => status !== "Success")
      .map(({ message }) => `${relative(folder, file)}: ${message ?? "refused"}`),
  );
}

/** Put into a cluster by hand: the table of Secrets in docs/cluster.md with their keys, and what else it names. */
export function givenByHand(): Set<string> {
  const guide = readText("docs/cluster.md");
  const table = guide.slice(guide.indexOf("| Secret "), guide.indexOf("| user of "));
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const secrets = rows.flatMap((row) => {
    const [names = "", keys = ""] = row.split("|").slice(1);
    // In brackets stand values.
    const ofEach = ["", ...namesIn(keys.replaceAll(/\([^)]*\)/g, "")).map((key) => `:${key}`)];
    return namesIn(names).flatMap((name) => ofEach.map((key) => `Secret/${name}${key}`));
  });
  const others = [...guide.matchAll(/(ConfigMap|Secret) `([^`]+)`/g)].map(
    ([, kind, name]) => `${kind}/${name}`,
  );
  return new Set([...secrets, ...others]);
}

/** What `make minikube` makes of Secrets, as its script tells it in a dry run. */
export async function givenByScript(): Promise<Set<string>> {
  const said = await run("bash", [join(ROOT, "knative/script/secret.sh")], {
    env: { DRY_RUN: "1" },
  });
  return new Set(
    [...said.matchAll(/^kubectl create secret generic (\S+): (.*)$/gm)].flatMap(
      ([, name = "", keys = ""]) => [
        `Secret/${name}`,
        ...keys.split(" ").map((key) => `Secret/${name}:${key}`),
      ],
    ),
  );
}

const namesIn = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "");
