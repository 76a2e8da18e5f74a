/** The Knative Service that `func deploy` makes of a func.yaml, as func's own deployer does it (knative/func pkg/knative/deployer.go). */
import { parse } from "yaml";
import { readText, type Resource } from "./resource.ts";

export interface FunctionYaml {
  readonly name: string;
  readonly runtime: string;
  readonly namespace: string;
  readonly run?: { readonly envs?: readonly { readonly name: string; readonly value: string }[] };
  readonly deploy: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: readonly { readonly key: string; readonly value: string }[];
    readonly healthEndpoints?: { readonly liveness?: string; readonly readiness?: string };
    readonly options?: {
      readonly scale?: Readonly<Record<string, string | number>>;
      readonly resources?: {
        readonly requests?: Readonly<Record<string, string>>;
        readonly limits?: Readonly<Record<string, string | number>>;
      };
    };
  };
}

/** Those that `func deploy` deploys; the gateway's func.yaml is for `func build` alone. */
export const DEPLOYED = ["audit-log", "notification", "recurring-task"];

/** Passes func's own schema: a test checks it. */
export const readFunctionYaml = (name: string): FunctionYaml =>
  parse(readText(`functions/${name}/func.yaml`)) as FunctionYaml;

const PORT = 8080;

export function toService(func: FunctionYaml): Resource {
  const { name, namespace, deploy } = func;
  const { concurrency, ...limits } = deploy.options?.resources?.limits ?? {};
  const labels = labelsOf(func);
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    // func puts annotations on both; those of autoscaling, which it makes itself, on the revision alone.
    metadata: { name, namespace, labels, annotations: annotationsOf(func) },
    spec: {
      template: {
        metadata: { labels, annotations: { ...annotationsOf(func), ...scaleAnnotations(func) } },
        spec: {
          ...(concurrency === undefined ? {} : { containerConcurrency: Number(concurrency) }),
          containers: [
            {
              image: `dev.local/task-events/${name}`,
              env: envOf(func),
              livenessProbe: probe(deploy.healthEndpoints?.liveness ?? "/health/liveness"),
              readinessProbe: probe(deploy.healthEndpoints?.readiness ?? "/health/readiness"),
              resources: { requests: deploy.options?.resources?.requests, limits },
              securityContext: {
                allowPrivilegeEscalation: false,
                runAsNonRoot: true,
                capabilities: { drop: ["ALL"] },
                seccompProfile: { type: "RuntimeDefault" },
              },
            },
          ],
        },
      },
    },
  };
}

const probe = (path: string) => ({ httpGet: { path, port: PORT } });

const labelsOf = ({ name, runtime, deploy }: FunctionYaml): Record<string, string> => ({
  ...Object.fromEntries((deploy.labels ?? []).map(({ key, value }) => [key, value])),
  "boson.dev/function": "true",
  "function.knative.dev/name": name,
  "function.knative.dev/runtime": runtime,
});

/** Where the cluster has Dapr; what func.yaml says wins. */
const annotationsOf = ({ name, deploy }: FunctionYaml): Record<string, string> => ({
  "dapr.io/enabled": "true",
  "dapr.io/app-id": name,
  "dapr.io/app-port": String(PORT),
  "dapr.io/metrics-port": "9092",
  "dapr.io/enable-api-logging": "true",
  "function.knative.dev/deployer": "knative",
  ...deploy.annotations,
});

const SCALE: Readonly<Record<string, string>> = {
  min: "min-scale",
  max: "max-scale",
  metric: "metric",
  target: "target",
  utilization: "target-utilization-percentage",
};

/** func writes a target as %f: 100.000000. */
const scaleAnnotations = ({ deploy }: FunctionYaml): Record<string, string> =>
  Object.fromEntries(
    Object.entries(deploy.options?.scale ?? {}).map(([field, value]) => [
      `autoscaling.knative.dev/${SCALE[field] ?? field}`,
      field === "target" || field === "utilization" ? Number(value).toFixed(6) : String(value),
    ]),
  );

/** func's own variables first: the time of the build, and an address that the Go middleware listens on. */
const envOf = ({ run }: FunctionYaml): unknown[] => [
  { name: "BUILT", value: "20261123T000000" },
  { name: "ADDRESS", value: "0.0.0.0" },
  ...(run?.envs ?? []).map(({ name, value }) => {
    const [, kind, source, key] =
      /^\{\{ *(secret|configMap):([^:]+):([^: ]+) *\}\}$/.exec(value) ?? [];
    if (kind === undefined) return { name, value };
    const ref = { name: source, key };
    return {
      name,
      valueFrom: kind === "secret" ? { secretKeyRef: ref } : { configMapKeyRef: ref },
    };
  }),
];
