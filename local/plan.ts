/** From the YAML's resources to what the runner starts: addresses, environments, policies. Pure, so that it fails before anything runs. */
import type { KafkaSource } from "./knative/kafka-source.ts";
import type { KafkaSink } from "./knative/ingress.ts";
import type { PingSource } from "./knative/ping-source.ts";
import { toScale } from "./manifest/field/autoscaling.ts";
import type { Manifest, ResourceOf } from "./manifest/kind.ts";
import { toTimeLimit } from "./manifest/kind/knative-service.ts";
import type { JobSpec } from "./manifest/kind/job.ts";
import { DEFAULT_SCHEDULE } from "./manifest/kind/ping-source.ts";
import type { FieldPath, Place, Read } from "./manifest/resource.ts";
import type { Scale } from "./process/scale/scale.ts";
import type { TimeLimit } from "./process/front/time-limit.ts";
import { type BrokerPlan, planBroker, planTrigger, type TriggerPlan } from "./plan/broker.ts";
import type { Planning } from "./plan/planning.ts";
import { planProcess, type ProcessPlan } from "./plan/process.ts";
import { planSidecar, type SidecarPlan } from "./plan/sidecar.ts";

export interface JobPlan {
  name: string;
  retries: number;
  timeoutMs: number | undefined;
  process: ProcessPlan;
}

export interface Plan {
  /** Before all other Jobs: those of component `migration`. */
  migrations: JobPlan[];
  jobs: JobPlan[];
  brokers: BrokerPlan[];
  sinks: KafkaSink[];
  services: { name: string; scale: Scale; limit: TimeLimit; process: ProcessPlan }[];
  /** `service`: the Service that selects its pods, whose port they stand behind. */
  statefulSets: {
    name: string;
    service: string;
    replicas: number;
    process: ProcessPlan;
    sidecar: SidecarPlan | undefined;
  }[];
  kafkaSources: { source: KafkaSource; sinkUrl: string; at: Place }[];
  triggers: TriggerPlan[];
  pingSources: { source: PingSource; sinkUrl: string; functionName: string }[];
  cronJobs: {
    name: string;
    schedule: string;
    timeZone: string | undefined;
    concurrencyPolicy: "Allow" | "Forbid" | "Replace";
    retries: number;
    process: ProcessPlan;
  }[];
}

/** The names that get a front port. */
export const serviceNames = (manifest: Manifest): string[] => [
  ...manifest.knativeServices.map(({ metadata }) => metadata.name),
  ...manifest.services.map(({ metadata }) => metadata.name),
];

export function toPlan(manifest: Manifest, planning: Planning): Plan {
  const isMigration = ({ metadata }: ResourceOf<"jobs">) =>
    metadata.labels?.["app.kubernetes.io/component"] === "migration";
  for (const configMap of manifest.configMaps) {
    for (const [key, value] of Object.entries(configMap.data ?? {})) {
      planning.local(configMap, ["data", key], value);
    }
  }
  const brokers = manifest.brokers.map((broker) => planBroker(planning, manifest, broker));
  const planOne = (job: ResourceOf<"jobs">) => planJob(planning, job);
  return {
    migrations: manifest.jobs.filter(isMigration).map(planOne),
    jobs: manifest.jobs.filter((job) => !isMigration(job)).map(planOne),
    brokers,
    sinks: manifest.kafkaSinks.map((sink) => planKafkaSink(planning, sink)),
    services: manifest.knativeServices.map((service) => planService(planning, service)),
    statefulSets: manifest.statefulSets.map((it) => planStatefulSet(planning, manifest, it)),
    kafkaSources: manifest.kafkaSources.map((source) => planKafkaSource(planning, source)),
    triggers: manifest.triggers.map((it) => planTrigger(planning, brokers, it)),
    pingSources: manifest.pingSources.map((source) => planPingSource(planning, source)),
    cronJobs: manifest.cronJobs.map((cronJob) => planCronJob(planning, cronJob)),
  };
}

const JOB_RETRIES = 6;

function planJob(planning: Planning, job: ResourceOf<"jobs">): JobPlan {
  return { name: job.metadata.name, ...planJobSpec(planning, job, job.spec, ["spec"]) };
}

function planJobSpec(planning: Planning, resource: Read, spec: JobSpec, path: FieldPath) {
  const { activeDeadlineSeconds, backoffLimit, template } = spec;
  const [container] = template.spec.containers;
  const place = [...path, "template", "spec", "containers", 0];
  return {
    retries: backoffLimit ?? JOB_RETRIES,
    timeoutMs: activeDeadlineSeconds === undefined ? undefined : activeDeadlineSeconds * 1_000,
    process: planProcess(planning, resource, container, place),
  };
}

function planCronJob(planning: Planning, cronJob: ResourceOf<"cronJobs">) {
  const { schedule, timeZone, concurrencyPolicy, jobTemplate } = cronJob.spec;
  const path = ["spec", "jobTemplate", "spec"];
  return {
    name: cronJob.metadata.name,
    schedule,
    timeZone,
    concurrencyPolicy: concurrencyPolicy ?? ("Allow" as const),
    ...planJobSpec(planning, cronJob, jobTemplate.spec, path),
  };
}

function planService(planning: Planning, service: ResourceOf<"knativeServices">) {
  const { metadata, spec } = service.spec.template;
  const { containerConcurrency = 0 } = spec;
  const path = ["spec", "template", "spec", "containers", 0];
  return {
    name: service.metadata.name,
    scale: toScale(metadata?.annotations ?? {}, containerConcurrency),
    limit: toTimeLimit(spec),
    process: planProcess(planning, service, spec.containers[0], path),
  };
}

function planStatefulSet(
  planning: Planning,
  manifest: Manifest,
  statefulSet: ResourceOf<"statefulSets">,
) {
  const { replicas = 1, serviceName, template } = statefulSet.spec;
  const path = ["spec", "template", "spec", "containers", 0];
  return {
    name: statefulSet.metadata.name,
    service: serviceName,
    replicas,
    process: planProcess(planning, statefulSet, template.spec.containers[0], path),
    sidecar: planSidecar(planning, manifest, statefulSet),
  };
}

function planKafkaSink(planning: Planning, sink: ResourceOf<"kafkaSinks">): KafkaSink {
  const { metadata, spec } = sink;
  planning.kafka(sink, ["spec", "bootstrapServers"], spec.bootstrapServers);
  return {
    namespace: planning.namespace,
    name: metadata.name,
    topic: spec.topic,
    contentMode: spec.contentMode ?? "binary",
  };
}

function planKafkaSource(planning: Planning, resource: ResourceOf<"kafkaSources">) {
  const { metadata, spec } = resource;
  const { namespace } = planning;
  planning.kafka(resource, ["spec", "bootstrapServers"], spec.bootstrapServers);
  const source: KafkaSource = {
    namespace,
    name: metadata.name,
    topics: spec.topics,
    // Knative would draw a random one, once, when the source is made.
    consumerGroup: spec.consumerGroup ?? `knative-kafka-source-${namespace}-${metadata.name}`,
    ordering: spec.ordering ?? "ordered",
    initialOffset: spec.initialOffset ?? "latest",
    consumers: spec.consumers ?? 1,
    delivery: planning.delivery(resource, spec.delivery),
  };
  const sinkUrl = planning.sinkUrl(resource, ["spec", "sink"], spec.sink);
  return { source, sinkUrl, at: resource.placeOf(["spec", "topics"]) };
}

function planPingSource(planning: Planning, resource: ResourceOf<"pingSources">) {
  const { metadata, spec } = resource;
  const { schedule = DEFAULT_SCHEDULE, timezone, contentType, data, dataBase64, sink } = spec;
  const extensions = spec.ceOverrides?.extensions;
  const { namespace } = planning;
  const { name } = metadata;
  return {
    source: { namespace, name, schedule, timezone, contentType, data, dataBase64, extensions },
    sinkUrl: planning.sinkUrl(resource, ["spec", "sink"], sink),
    functionName: sink.ref?.name ?? sink.uri ?? "",
  };
}
