/** What is read from Kafka, by which group, and from topics that somebody makes. */
import { at, containersOf, listAt, nameOf, type Resource, textAt, textsAt } from "../resource.ts";

const DEAD_LETTERS = "KafkaSink";

export function checkConsumers(resources: readonly Resource[]): string[] {
  const sources = resources.filter(({ kind }) => kind === "KafkaSource");
  return [
    ...sources.flatMap(offsetFaults),
    ...groupFaults(sources),
    ...topicFaults(resources),
    ...replicationFaults(resources),
  ];
}

const offsetFaults = (source: Resource): string[] => [
  // The default is latest: what was published before the source was Ready would never be read.
  ...(at(source.spec, "initialOffset") === "earliest"
    ? []
    : [`${nameOf(source)} does not begin at the earliest offset`]),
  ...(at(source.spec, "ordering") === undefined ? [`${nameOf(source)} has no ordering`] : []),
];

/** Of two in one group each would get half of the events; a random one begins anew at each creation. */
function groupFaults(sources: readonly Resource[]): string[] {
  const groupOf = (source: Resource): string => textAt(source.spec, "consumerGroup") ?? "";
  const byGroup = Map.groupBy(sources, groupOf);
  return [...byGroup].flatMap(([group, members]) => {
    const names = members.map(nameOf).join(", ");
    if (group === "") return [`${names}: no consumerGroup`];
    return members.length > 1 ? [`${names} share the consumer group ${group}`] : [];
  });
}

/** A missing topic keeps a source from becoming Ready, or is made by Kafka with one partition. */
function topicFaults(resources: readonly Resource[]): string[] {
  const made = new Set(resources.flatMap((resource) => madeBy(resource, resources)));
  return resources.flatMap((resource) =>
    topicsOf(resource)
      .filter((topic) => !made.has(topic))
      .map((topic) => `${nameOf(resource)} needs the topic ${topic}, which no Job makes`),
  );
}

function topicsOf({ kind, spec, metadata }: Resource): string[] {
  if (kind === "KafkaSource") return listAt(spec, "topics").map(String);
  if (kind === DEAD_LETTERS) return [textAt(spec, "topic") ?? ""];
  const external = metadata.annotations?.["kafka.eventing.knative.dev/external.topic"];
  return kind === "Broker" && external !== undefined ? [external] : [];
}

function madeBy(resource: Resource, resources: readonly Resource[]): string[] {
  if (resource.kind !== "Job") return [];
  return containersOf(resource)
    .flatMap((container) => listAt(container, "env"))
    .filter((variable) => at(variable, "name") === "TOPICS")
    .flatMap((variable) => valueOf(variable, resources).split(/\s+/));
}

function valueOf(variable: unknown, resources: readonly Resource[]): string {
  const key = at(variable, "valueFrom", "configMapKeyRef");
  if (key === undefined) return textAt(variable, "value") ?? "";
  const map = resources.find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === at(key, "name"),
  );
  return map?.data?.[textAt(key, "key") ?? ""] ?? "";
}

const KAFKA = "kafka";

/** The Kafka of the rendered resources, where it is among them, is one Service's StatefulSet of that name. */
function replicationFaults(resources: readonly Resource[]): string[] {
  const kafka = resources.find(
    ({ kind, metadata }) => kind === "StatefulSet" && metadata.name === KAFKA,
  );
  if (kafka === undefined) return [];
  const brokers = Number(at(kafka.spec, "replicas") ?? 1);
  return resources
    .filter(({ kind }) => kind === "ConfigMap")
    .filter(({ data = {} }) => Number(data["default.topic.replication.factor"]) > brokers)
    .map((map) => `${nameOf(map)} wants more replicas than Kafka has brokers (${brokers})`);
}

/** 0 where no ConfigMap of a Broker says it. */
export const replicationFactor = (resources: readonly Resource[]): number =>
  resources
    .filter(({ kind }) => kind === "ConfigMap")
    .map((map) => Number(textsAt(map, "data")["default.topic.replication.factor"] ?? 0))
    .reduce((most, factor) => Math.max(most, factor), 0);
