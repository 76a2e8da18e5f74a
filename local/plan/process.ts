/** A container of the YAML as a process of this machine: which entry, and the environment it is given. */
import { join, posix } from "node:path";
import type { Container, EnvVar } from "../manifest/field/container.ts";
import type { FieldPath, Read } from "../manifest/resource.ts";
import { DEFAULT_PROBE, type Probe, type Probes } from "../process/replica/probe.ts";
import type { SecretRef } from "../secret.ts";
import type { Planning } from "./planning.ts";

/** A text, or what is only known when the process starts. */
export type EnvValue = string | { secret: SecretRef } | { field: "metadata.name" };

export interface ProcessPlan {
  /** Absolute. */
  entry: string;
  env: Readonly<Record<string, EnvValue>>;
  probes: Probes;
}

const INDEX = "index";

/** `…/audit-log:latest` → `audit-log` */
export const functionOf = (image: string): string => posix.basename(image).replace(/[@:].*$/, "");

export function planProcess(
  planning: Planning,
  resource: Read,
  container: Container | undefined,
  path: FieldPath,
): ProcessPlan {
  const { image = "", command, env = [] } = container ?? {};
  const name = functionOf(image);
  const entry = join("functions", name, `${entryOf(command)}.ts`);
  if (!planning.exists(join("functions", name))) {
    planning.problem(resource, [...path, "image"], `image ${image}: there is no functions/${name}`);
  } else if (!planning.exists(entry)) {
    const field = command === undefined ? "image" : "command";
    planning.problem(resource, [...path, field], `there is no ${entry} to run`);
  }
  const values = env.flatMap((variable, index) => {
    const value = planValue(planning, resource, variable, [...path, "env", index]);
    return value === undefined ? [] : [[variable.name, value] as const];
  });
  return {
    entry: planning.absolute(entry),
    env: Object.fromEntries(values),
    probes: planProbes(container),
  };
}

/** Without a readiness probe it is ready when it listens, as in Knative. */
function planProbes(container: Partial<Container> = {}): Probes {
  const { startupProbe, readinessProbe, livenessProbe } = container;
  return {
    ...(startupProbe === undefined ? {} : { startup: toProbe(startupProbe) }),
    readiness: readinessProbe === undefined ? DEFAULT_PROBE : toProbe(readinessProbe),
    ...(livenessProbe === undefined ? {} : { liveness: toProbe(livenessProbe) }),
  };
}

/** 0 is as if the field were not there. */
function toProbe(probe: NonNullable<Container["readinessProbe"]>): Probe {
  const { httpGet, initialDelaySeconds, periodSeconds, timeoutSeconds } = probe;
  const milliseconds = (seconds: number | undefined, otherwise: number) =>
    seconds ? seconds * 1_000 : otherwise;
  return {
    path: httpGet.path ?? "/",
    initialDelayMs: milliseconds(initialDelaySeconds, DEFAULT_PROBE.initialDelayMs),
    periodMs: milliseconds(periodSeconds, DEFAULT_PROBE.periodMs),
    timeoutMs: milliseconds(timeoutSeconds, DEFAULT_PROBE.timeoutMs),
    successThreshold: probe.successThreshold || DEFAULT_PROBE.successThreshold,
    failureThreshold: probe.failureThreshold || DEFAULT_PROBE.failureThreshold,
  };
}

/** `["node", "dist/verify.mjs"]` → `verify`: the sources run in place of the bundle. */
const entryOf = (command: readonly string[] | undefined): string =>
  command === undefined ? INDEX : posix.basename(command.at(-1) ?? "").replace(/\.m?js$/, "");

function planValue(
  planning: Planning,
  resource: Read,
  { value, valueFrom }: EnvVar,
  path: FieldPath,
): EnvValue | undefined {
  if (valueFrom?.secretKeyRef !== undefined) {
    const { name, key, optional = false } = valueFrom.secretKeyRef;
    const place = [...path, "valueFrom", "secretKeyRef", "key"];
    return planning.secret(resource, place, { name, key }, optional);
  }
  if (valueFrom?.configMapKeyRef !== undefined) {
    const { name, key, optional = false } = valueFrom.configMapKeyRef;
    const place = [...path, "valueFrom", "configMapKeyRef", "key"];
    return planning.configMap(resource, place, { name, key }, optional);
  }
  if (valueFrom?.fieldRef !== undefined) {
    const { fieldPath } = valueFrom.fieldRef;
    return fieldPath === "metadata.namespace" ? planning.namespace : { field: "metadata.name" };
  }
  return planning.local(resource, [...path, "value"], value ?? "");
}

export interface EnvSources {
  secrets: (ref: SecretRef) => string | undefined;
  podName: string;
}

export function resolveEnv(
  env: ProcessPlan["env"],
  { secrets, podName }: EnvSources,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      const text = resolveValue(value, secrets, podName);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

function resolveValue(
  value: EnvValue,
  secrets: EnvSources["secrets"],
  podName: string,
): string | undefined {
  if (typeof value === "string") return value;
  return "secret" in value ? secrets(value.secret) : podName;
}
