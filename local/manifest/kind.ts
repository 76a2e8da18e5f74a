/** The table of the kinds that the runner does, and of those that it knows to leave to the cluster. */
import type { Static, TSchema } from "typebox";
import { broker, checkBroker } from "./kind/broker.ts";
import { checkComponent, component } from "./kind/component.ts";
import { configMap } from "./kind/config-map.ts";
import { configuration } from "./kind/configuration.ts";
import { checkCronJob, cronJob } from "./kind/cron-job.ts";
import type { Check } from "./fault.ts";
import { checkJob, job } from "./kind/job.ts";
import { kafkaSink } from "./kind/kafka-sink.ts";
import { checkKafkaSource, kafkaSource } from "./kind/kafka-source.ts";
import { checkKnativeService, knativeService } from "./kind/knative-service.ts";
import { checkPingSource, pingSource } from "./kind/ping-source.ts";
import { checkResiliency, resiliency } from "./kind/resiliency.ts";
import type { Resource } from "./resource.ts";
import { checkSecret, secret } from "./kind/secret.ts";
import { service } from "./kind/service.ts";
import { checkStatefulSet, statefulSet } from "./kind/stateful-set.ts";
import { checkSubscription, subscription } from "./kind/subscription.ts";
import { checkTrigger, trigger } from "./kind/trigger.ts";

const kind = <Schema extends TSchema>(
  apiVersion: string,
  name: string,
  schema: Schema,
  check: Check<Resource<Static<Schema>>> = () => [],
) => ({ apiVersion, name, schema, check });

export const kinds = {
  brokers: kind("eventing.knative.dev/v1", "Broker", broker, checkBroker),
  components: kind("dapr.io/v1alpha1", "Component", component, checkComponent),
  configMaps: kind("v1", "ConfigMap", configMap),
  configurations: kind("dapr.io/v1alpha1", "Configuration", configuration),
  cronJobs: kind("batch/v1", "CronJob", cronJob, checkCronJob),
  jobs: kind("batch/v1", "Job", job, checkJob),
  kafkaSinks: kind("eventing.knative.dev/v1alpha1", "KafkaSink", kafkaSink),
  kafkaSources: kind("sources.knative.dev/v1", "KafkaSource", kafkaSource, checkKafkaSource),
  knativeServices: kind("serving.knative.dev/v1", "Service", knativeService, checkKnativeService),
  pingSources: kind("sources.knative.dev/v1", "PingSource", pingSource, checkPingSource),
  resiliencies: kind("dapr.io/v1alpha1", "Resiliency", resiliency, checkResiliency),
  secrets: kind("v1", "Secret", secret, checkSecret),
  services: kind("v1", "Service", service),
  statefulSets: kind("apps/v1", "StatefulSet", statefulSet, checkStatefulSet),
  subscriptions: kind("dapr.io/v2alpha1", "Subscription", subscription, checkSubscription),
  triggers: kind("eventing.knative.dev/v1", "Trigger", trigger, checkTrigger),
};

export type KindName = keyof typeof kinds;
export type ResourceOf<Name extends KindName> = Resource<Static<(typeof kinds)[Name]["schema"]>>;
export type Manifest = { [Name in KindName]: ResourceOf<Name>[] };

/** Kinds that a cluster would take. */
const LEFT_OUT = new Set([
  "ApiServerSource",
  "Channel",
  "ClusterRole",
  "ClusterRoleBinding",
  "ContainerSource",
  "DaemonSet",
  "Deployment",
  "DomainMapping",
  "EventPolicy",
  "EventTransform",
  "EventType",
  "HTTPEndpoint",
  "HorizontalPodAutoscaler",
  "InMemoryChannel",
  "Ingress",
  "IntegrationSink",
  "IntegrationSource",
  "JobSink",
  "KafkaChannel",
  "Namespace",
  "NetworkPolicy",
  "Parallel",
  "PersistentVolumeClaim",
  "Pod",
  "PodDisruptionBudget",
  "RequestReply",
  "Role",
  "RoleBinding",
  "Sequence",
  "ServiceAccount",
  "SinkBinding",
  "Subscription",
  "WorkflowAccessPolicy",
]);

/** The kind of a document, or the sentence that says why there is none. */
export function kindOf(value: unknown): KindName | { sentence: string } {
  const { apiVersion, kind: name } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  if (typeof apiVersion !== "string" || typeof name !== "string") {
    return { sentence: "no Kubernetes resource: apiVersion or kind is missing" };
  }
  const entries = Object.entries(kinds) as [KindName, (typeof kinds)[KindName]][];
  const named = entries.filter(([, known]) => known.name === name);
  const found = named.find(([, known]) => known.apiVersion === apiVersion);
  if (found !== undefined) return found[0];
  const group = apiVersion.split("/")[0];
  const other = named.find(([, known]) => known.apiVersion.split("/")[0] === group)?.[1];
  if (other !== undefined) {
    return { sentence: `${name} ${apiVersion}: the local runner reads ${other.apiVersion}` };
  }
  if (LEFT_OUT.has(name)) {
    return { sentence: `kind ${name} (${apiVersion}) is not supported by the local runner` };
  }
  return { sentence: `unknown kind ${name} (${apiVersion})` };
}
