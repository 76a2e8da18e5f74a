/** The names of topics, Broker and sink, from the YAML that the cluster gets. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const root = join(import.meta.dirname, "..", "..");

interface Manifests {
  readonly "config-map-task-events-topics.yaml": { readonly data: Record<string, string> };
  readonly "broker-task-events.yaml": { readonly metadata: { name: string; namespace: string } };
  readonly "kafka-sink-task-events-dead-letters.yaml": { readonly spec: { topic: string } };
}

const read = <File extends keyof Manifests>(file: File): Manifests[File] =>
  parse(readFileSync(join(root, "eventing", file), "utf8")) as Manifests[File];

export function readNames() {
  const { data } = read("config-map-task-events-topics.yaml");
  const { metadata } = read("broker-task-events.yaml");
  const { spec } = read("kafka-sink-task-events-dead-letters.yaml");
  return {
    kafka: data["bootstrap.servers"] ?? "",
    topic: data["topics"]?.split(" ")[0] ?? "",
    partitions: Number(data["default.topic.partitions"]),
    deadLetterTopic: spec.topic,
    brokerPath: `/${metadata.namespace}/${metadata.name}`,
  };
}
