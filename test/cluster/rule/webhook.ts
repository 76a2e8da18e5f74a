/** What Knative's webhooks refuse, or admit and never make Ready, although the schema accepts it. */
import type { Fault } from "../../../local/manifest/fault.ts";
import { kindOf, kinds } from "../../../local/manifest/kind.ts";
import { at, containersOf, isKnativeService, listAt, nameOf, type Resource } from "../resource.ts";

/** The runner is as strict as the webhooks about these kinds; what it only cannot do itself is no mistake here. */
const CHECKED = new Set(["brokers", "kafkaSources", "knativeServices", "pingSources", "triggers"]);
const NOT_LOCAL = /local runner|has no effect here/;

/** queue-proxy's own. */
const RESERVED_PORTS = new Set([8008, 8012, 8013, 8022, 8112, 9090, 9091]);

export const checkWebhooks = (resources: readonly Resource[]): string[] =>
  resources.flatMap((resource) => [
    ...runnerFaults(resource),
    ...(isKnativeService(resource) ? serviceFaults(resource) : []),
    ...(resource.kind === "Broker" ? brokerFaults(resource) : []),
    ...(resource.kind === "PingSource" ? pingFaults(resource) : []),
  ]);

function runnerFaults(resource: Resource): string[] {
  const name = kindOf(resource);
  if (typeof name !== "string" || !CHECKED.has(name)) return [];
  // The schema was checked before; these rules read no place in a file.
  const faults: Fault[] = [...kinds[name].check(resource as never)];
  return faults
    .filter(({ sentence }) => !NOT_LOCAL.test(sentence))
    .map(({ path, sentence }) => `${nameOf(resource)} ${path.join(".")}: ${sentence}`);
}

function serviceFaults(resource: Resource): string[] {
  const ports = containersOf(resource).flatMap((container) =>
    listAt(container, "ports").map((port) => Number(at(port, "containerPort"))),
  );
  return [
    ...(ports.length > 1 ? [`${nameOf(resource)} has ${ports.length} ports, not one`] : []),
    ...ports
      .filter((port) => RESERVED_PORTS.has(port))
      .map((port) => `${nameOf(resource)} listens on ${port}, which is queue-proxy's`),
    ...(listAt(resource.spec, "template", "spec", "volumes").some((volume) =>
      Object.hasOwn(volume as object, "hostPath"),
    )
      ? [`${nameOf(resource)} mounts a hostPath`]
      : []),
  ];
}

function brokerFaults(resource: Resource): string[] {
  const { annotations = {} } = resource.metadata;
  return [
    ...(annotations["eventing.knative.dev/broker.class"] === "Kafka"
      ? []
      : [`${nameOf(resource)} is not of the class Kafka: its events would be kept in memory`]),
    ...(at(resource.spec, "config", "kind") === "ConfigMap"
      ? []
      : [`${nameOf(resource)} has no spec.config: the cluster's default is a channel's`]),
  ];
}

const pingFaults = (resource: Resource): string[] =>
  ["schedule", "timezone"]
    .filter((field) => at(resource.spec, field) === undefined)
    .map((field) => `${nameOf(resource)} has no ${field}`);
