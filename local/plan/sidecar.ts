/** The Dapr resources that concern one app, as its sidecar takes them. */
import type { DaprComponent, DaprSubscription, InboundPolicy } from "../dapr/sidecar.ts";
import { toSidecar } from "../manifest/field/dapr-annotation.ts";
import { goDurationMs } from "../manifest/field/duration.ts";
import type { Manifest, ResourceOf } from "../manifest/kind.ts";
import type { RetryPolicy } from "../manifest/kind/resiliency.ts";
import type { FieldPath } from "../manifest/resource.ts";
import type { Planning } from "./planning.ts";
import type { EnvValue } from "./process.ts";

export interface SidecarPlan {
  appId: string;
  /** Metadata may be a secret. */
  components: { name: string; type: DaprComponent["type"]; metadata: Record<string, EnvValue> }[];
  subscriptions: DaprSubscription[];
  inbound: Record<string, InboundPolicy>;
}

export function planSidecar(
  planning: Planning,
  manifest: Manifest,
  statefulSet: ResourceOf<"statefulSets">,
): SidecarPlan | undefined {
  const sidecar = toSidecar(statefulSet.spec.template.metadata?.annotations ?? {});
  if (sidecar === undefined) return undefined;
  const concerns = ({ scopes }: { scopes?: string[] }) =>
    scopes === undefined || scopes.includes(sidecar.appId);
  return {
    appId: sidecar.appId,
    components: manifest.components
      .filter(concerns)
      .map((component) => planComponent(planning, component, sidecar.env)),
    subscriptions: manifest.subscriptions.filter(concerns).map(planSubscription),
    inbound: Object.fromEntries(manifest.resiliencies.filter(concerns).flatMap(planInbound)),
  };
}

function planComponent(
  planning: Planning,
  component: ResourceOf<"components">,
  env: Readonly<Record<string, string>>,
): SidecarPlan["components"][number] {
  const { metadata, spec } = component;
  const values = spec.metadata.flatMap((item, index) => {
    const value = planItem(planning, component, item, env, ["spec", "metadata", index]);
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
  env: Readonly<Record<string, string>>,
  path: FieldPath,
): EnvValue | undefined {
  if (item.secretKeyRef !== undefined) {
    const { name, key = name } = item.secretKeyRef;
    return planning.secret(component, [...path, "secretKeyRef"], { name, key }, false);
  }
  if (item.envRef === undefined) return planning.local(component, path, String(item.value));
  const value = env[item.envRef];
  if (value === undefined) {
    const sentence = `no annotation dapr.io/env gives ${item.envRef} to the sidecar`;
    planning.problem(component, [...path, "envRef"], sentence);
  }
  return planning.local(component, path, value ?? "");
}

const planSubscription = ({ spec }: ResourceOf<"subscriptions">): DaprSubscription => ({
  pubsubName: spec.pubsubname,
  topic: spec.topic,
  route: spec.routes.default,
  metadata: spec.metadata ?? {},
  ...(spec.deadLetterTopic === undefined ? {} : { deadLetterTopic: spec.deadLetterTopic }),
});

function planInbound({ spec }: ResourceOf<"resiliencies">): [string, InboundPolicy][] {
  const { timeouts = {}, retries = {} } = spec.policies;
  return Object.entries(spec.targets.components ?? {}).map(([name, { inbound = {} }]) => {
    const timeoutMs = goDurationMs(timeouts[inbound.timeout ?? ""] ?? "");
    const retry = retries[inbound.retry ?? ""];
    return [
      name,
      {
        ...(timeoutMs === null ? {} : { timeoutMs }),
        ...(retry === undefined ? {} : { retry: toRetry(retry) }),
      },
    ];
  });
}

// Dapr's own defaults: constant, 5 s, for ever; an exponential interval ends at 60 s.
function toRetry({ policy, duration, maxInterval, maxRetries }: RetryPolicy) {
  return {
    policy: policy ?? ("constant" as const),
    durationMs: goDurationMs(duration ?? "5s") ?? 0,
    maxIntervalMs: goDurationMs(maxInterval ?? "60s") ?? 0,
    maxRetries: maxRetries ?? -1,
  };
}
