/** A function as it ships, as a process of its own: the bundle of `make build` with the environment of its Knative Service. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { UsageError } from "../../lib/host/error.ts";
import { startFunctionProcess } from "../../local/process/replica/function-process.ts";

export interface BundleOptions {
  /** Of the function: `audit-log`. */
  readonly name: string;
  /** What the cluster gives by Secrets, and what is elsewhere here, such as the Broker. The YAML must have each. */
  readonly given: Readonly<Record<string, string>>;
  /** Its log is kept here. */
  readonly folder: string;
}

export interface RunningBundle extends AsyncDisposable {
  readonly pid: number;
  /** Takes events. */
  readonly url: string;
}

const root = join(import.meta.dirname, "../..");

/** Resolves when it is ready. */
export async function startBundle({ name, given, folder }: BundleOptions): Promise<RunningBundle> {
  const running = await startFunctionProcess(
    {
      name,
      entry: bundleOf(name, "index"),
      cwd: join(root, "functions", name),
      env: environmentOf(name, given),
      stateDir: folder,
    },
    () => undefined,
  );
  if (!(await running.ready())) throw new Error(`${name} ended: its log is in ${folder}`);
  return {
    pid: running.pid,
    url: `http://127.0.0.1:${running.port}/`,
    [Symbol.asyncDispose]: async () => void (await running.stop()),
  };
}

export function bundleOf(name: string, entry: "index" | "migrate"): string {
  const path = join(root, "functions", name, "dist", `${entry}.mjs`);
  if (!existsSync(path)) throw new UsageError(`There is no bundle of ${name}: run make build.`);
  return path;
}

interface Service {
  readonly spec: { readonly template: { readonly spec: { readonly containers: Container[] } } };
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

function environmentOf(
  name: string,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const path = `knative/base/service-${name}.yaml`;
  // Read by the runner's tests, field by field.
  const service = parse(readFileSync(join(root, path), "utf8")) as Service;
  const variables = service.spec.template.spec.containers.flatMap(({ env }) => env);
  const stray = Object.keys(given).find((it) =>
    variables.every((variable) => variable.name !== it),
  );
  if (stray !== undefined) throw new Error(`${path} gives no ${stray}`);
  return Object.fromEntries(
    variables.map((variable) => {
      const value = given[variable.name] ?? variable.value;
      if (value === undefined) throw new Error(`${path} takes ${variable.name} from a Secret`);
      return [variable.name, value];
    }),
  );
}
