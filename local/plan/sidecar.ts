/** The Dapr resources that concern one app, as its sidecar takes them. */
import { dirname } from "node:path";
import type {
  DaprComponent,
  DaprSubscription,
  InboundPolicy,
  RetryPolicy,
} from "../dapr/sidecar.ts";
import type { OutboundPolicy } from "../dapr/state/outbound.ts";
import { type SidecarAnnotations, toSidecar } from "../manifest/field/dapr-annotation.ts";
import { goDurationMs } from "../manifest/field/duration.ts";
import type { Manifest, ResourceOf } from "../manifest/kind.ts";
import type { ResiliencyTarget, RetryPolicy as PlannedRetry } from "../manifest/kind/resiliency.ts";
import type { FieldPath, Read } from "../manifest/resource.ts";
import type { Planning } from "./planning.ts";
import type { EnvValue } from "./process.ts";

export interface SidecarPlan {
  appId: string;
  /** Relative to the root: the folders of its resources, and the file of its Configuration. */
  resources: string[];
  config: string | undefined;
  /** What the pod's annotations give to daprd itself. */
  env: Record<string, EnvValue>;
  /** Metadata may be a secret, or be known only with the sidecar's environment. */
  components: {
    name: string;
    type: DaprComponent["type"];
    metadata: Record<string, EnvValue | EnvRef>;
  }[];
  subscriptions: DaprSubscription[];
  inbound: Record<string, InboundPolicy>;
  outbound: Record<string, OutboundPolicy>;
}

export interface EnvRef {
  envRef: string;
}

/** Of a variable that is not there Dapr makes an empty text, with which these would not start, or be another than meant. */
const NEEDED = ["brokers", "authType", "disableTls", "redisHost", "enableTLS", "redisDB"];

export function planSidecar(
  planning: Planning,
  manifest: Manifest,
  statefulSet: ResourceOf<"statefulSets">,
): SidecarPlan | undefined {
  const sidecar = toSidecar(statefulSet.spec.template.metadata?.annotations ?? {});
  if (sidecar === undefined) return undefined;
  const concerns = ({ scopes }: { scopes?: string[] }) =>
    scopes === undefined || scopes.includes(sidecar.appId);
  const components = manifest.components.filter(concerns);
  const subscriptions = manifest.subscriptions.filter(concerns);
  const resiliencies = manifest.resiliencies.filter(concerns);
  const configuration = manifest.configurations.find(
    ({ metadata }) => metadata.name === sidecar.config,
  );
  const targets = resiliencies.flatMap(planTargets);
  return {
    appId: sidecar.appId,
    resources: [...new Set([...components, ...subscriptions, ...resiliencies].map(folderOf))],
    config: configuration && configuration.placeOf([]).file,
    env: planEnv(planning, statefulSet, sidecar),
    components: components.map((component) => planComponent(planning, component, sidecar)),
    subscriptions: subscriptions.map(planSubscription),
    inbound: Object.fromEntries(targets.map(({ name, inbound }) => [name, inbound])),
    outbound: Object.fromEntries(targets.map(({ name, outbound }) => [name, outbound])),
  };
}

const folderOf = (resource: Read): string => dirname(resource.placeOf([]).file);

function planEnv(
  planning: Planning,
  statefulSet: ResourceOf<"statefulSets">,
  { env, envFromSecret }: SidecarAnnotations,
): Record<string, EnvValue> {
  const path = ["spec", "template", "metadata", "annotations"];
  const texts = Object.entries(env).map(([name, text]) => {
    return [name, planning.local(statefulSet, [...path, "dapr.io/env"], text)] as const;
  });
  const place = [...path, "dapr.io/env-from-secret"];
  const secrets = Object.entries(envFromSecret).flatMap(([name, ref]) => {
    const value = planning.secret(statefulSet, place, ref, false);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries([...texts, ...secrets]);
}

function planComponent(
  planning: Planning,
  component: ResourceOf<"components">,
  sidecar: SidecarAnnotations,
): SidecarPlan["components"][number] {
  const { metadata, spec } = component;
  const values = spec.metadata.flatMap((item, index) => {
    const value = planItem(planning, component, item, sidecar, ["spec", "metadata", index]);
    return value === undefined ? [] : [[item.name, value] as const];
  });
  // The kind's own check refuses other types.
  const type = spec.type as DaprComponent["type"];
  return { name: metadata.name, type, metadata: Object.fromEntries(values) };
}

function planItem(
  planning: Planning,
  component: ResourceOf<"components">,
  item: ResourceOf<"components">["spec"]["metadata"][number],
  { env, envFromSecret }: SidecarAnnotations,
  path: FieldPath,
): EnvValue | EnvRef | undefined {
  if (item.secretKeyRef !== undefined) {
    const { name, key = name } = item.secretKeyRef;
    return planning.secret(component, [...path, "secretKeyRef"], { name, key }, false);
  }
  if (item.envRef === undefined) return planning.local(component, path, String(item.value));
  const isGiven = item.envRef in env || item.envRef in envFromSecret;
  if (!isGiven && NEEDED.includes(item.name)) {
    const sentence = `no annotation dapr.io/env gives ${item.envRef} to the sidecar`;
    planning.problem(component, [...path, "envRef"], sentence);
  }
  return { envRef: item.envRef };
}

const planSubscription = ({ spec }: ResourceOf<"subscriptions">): DaprSubscription => ({
  pubsubName: spec.pubsubname,
  topic: spec.topic,
  route: spec.routes.default,
  metadata: spec.metadata ?? {},
  ...(spec.deadLetterTopic === undefined ? {} : { deadLetterTopic: spec.deadLetterTopic }),
});

function planTargets({ spec }: ResourceOf<"resiliencies">) {
  const { timeouts = {}, retries = {} } = spec.policies;
  const toPolicy = (target: ResiliencyTarget): InboundPolicy & OutboundPolicy => {
    const timeoutMs = goDurationMs(timeouts[target.timeout ?? ""] ?? "");
    const retry = retries[target.retry ?? ""];
    return {
      ...(timeoutMs === null ? {} : { timeoutMs }),
      ...(retry === undefined ? {} : { retry: toRetry(retry) }),
    };
  };
  return Object.entries(spec.targets.components ?? {}).map(
    ([name, { inbound = {}, outbound = {} }]) => ({
      name,
      inbound: toPolicy(inbound),
      outbound: toPolicy(outbound),
    }),
  );
}

// Dapr's own defaults: constant, 5 s, for ever; an exponential interval ends at 60 s.
function toRetry({ policy, duration, maxInterval, maxRetries }: PlannedRetry): RetryPolicy {
  return {
    policy: policy ?? ("constant" as const),
    durationMs: goDurationMs(duration ?? "5s") ?? 0,
    maxIntervalMs: goDurationMs(maxInterval ?? "60s") ?? 0,
    maxRetries: maxRetries ?? -1,
  };
}
