/** What a cluster refuses, or takes and never makes Ready, is found before it is asked: each rule with what breaks it. */
import { expect, it } from "vitest";
import { at, readBase, type Resource } from "./resource.ts";
import { mistakesIn } from "./rule/all.ts";
import { checkPods } from "./rule/pod.ts";

it("finds nothing in the base", () => {
  expect(mistakesIn(readBase())).toEqual([]);
  expect(checkPods(readBase())).toEqual([]);
});

type Change = (resources: Resource[]) => void;
type Place = readonly (string | number)[];

/** `set("KafkaSource/audit-log", ["spec", "ordering"])` without a value takes the member away. */
const set =
  (name: string, path: Place, value?: unknown): Change =>
  (resources) => {
    const [kind, resourceName] = name.split("/");
    const found = resources.find(
      (it) =>
        it.metadata.name === resourceName &&
        (kind === "ksvc" ? it.apiVersion === "serving.knative.dev/v1" : it.kind === kind),
    );
    const parent = at(found, ...path.slice(0, -1)) as Record<string | number, unknown> | undefined;
    const last = path.at(-1);
    if (parent === undefined || last === undefined) throw new Error(`no ${name} ${path.join(".")}`);
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  };

const drop =
  (kind: string, name: string): Change =>
  (resources) => {
    const index = resources.findIndex((it) => it.kind === kind && it.metadata.name === name);
    if (index < 0) throw new Error(`no ${kind} ${name}`);
    resources.splice(index, 1);
  };

const add =
  (resource: object): Change =>
  (resources) =>
    void resources.push(resource as Resource);

const SOURCE = "KafkaSource/notification";
const PING = "PingSource/notification";
const SERVICE = "ksvc/notification";
const template = ["spec", "template"];
const annotation = (name: string): Place => [...template, "metadata", "annotations", name];
const container = [...template, "spec", "containers", 0];

const trigger = {
  apiVersion: "eventing.knative.dev/v1",
  kind: "Trigger",
  metadata: { name: "t", labels: {} },
  spec: {
    broker: "task-events",
    subscriber: {
      ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "notification" },
    },
  },
};

const strayTrigger = { ...trigger, spec: { ...trigger.spec, broker: "other" } };

it.each<[string, Change, RegExp]>([
  ["a source without delivery", set(SOURCE, ["spec", "delivery"]), /has no delivery/],
  ["a Broker without delivery", set("Broker/task-events", ["spec", "delivery"]), /has no delivery/],
  ["a Trigger without delivery", add(trigger), /Trigger\/t has no delivery/],
  ["a delivery without retry", set(SOURCE, ["spec", "delivery", "retry"]), /lacks retry/],
  ["a delivery without timeout", set(SOURCE, ["spec", "delivery", "timeout"]), /lacks timeout/],
  [
    "a delivery without dead letters",
    set(SOURCE, ["spec", "delivery", "deadLetterSink"]),
    /what fails is dropped/,
  ],
  [
    "a delivery beyond the poll interval",
    set(SOURCE, ["spec", "delivery", "retry"], 8),
    /above 300 s/,
  ],
  [
    "a delivery in Go's words",
    set(SOURCE, ["spec", "delivery", "backoffDelay"], "500ms"),
    /ISO 8601/,
  ],
  [
    "a delivery that waits longer than its function may take",
    set(SERVICE, [...template, "spec", "timeoutSeconds"], 10),
    /is cut after 10 s/,
  ],
  [
    "an autoscaling annotation on the Service",
    set(SERVICE, ["metadata", "annotations"], { "autoscaling.knative.dev/max-scale": "5" }),
    /belongs on spec.template/,
  ],
  [
    "min-scale above max-scale",
    set(SERVICE, annotation("autoscaling.knative.dev/min-scale"), "6"),
    /above/,
  ],
  ["timeoutSeconds above 600", set(SERVICE, [...template, "spec", "timeoutSeconds"], 601), /600/],
  ["two ports", set(SERVICE, [...container, "ports", 1], { containerPort: 9102 }), /has 2 ports/],
  [
    "queue-proxy's port",
    set(SERVICE, [...container, "ports", 0, "containerPort"], 8012),
    /is queue-proxy's/,
  ],
  [
    "a hostPath",
    set(SERVICE, [...template, "spec", "volumes"], [{ name: "v", hostPath: { path: "/" } }]),
    /hostPath/,
  ],
  [
    "a Broker of another class",
    set("Broker/task-events", ["metadata", "annotations", "eventing.knative.dev/broker.class"]),
    /class Kafka/,
  ],
  ["a Broker without config", set("Broker/task-events", ["spec", "config"]), /spec.config/],
  ["a bad schedule", set(PING, ["spec", "schedule"], "@every 1m"), /schedule/],
  ["no schedule", set(PING, ["spec", "schedule"]), /no schedule/],
  ["data that is no JSON object", set(PING, ["spec", "data"], "[]"), /JSON object/],
  ["data twice", set(PING, ["spec", "dataBase64"], "e30="), /exclude/],
  ["a time zone that is none", set(PING, ["spec", "timezone"], "Mars/Olympus"), /time zone/],
  [
    "a consumer group of two",
    set(SOURCE, ["spec", "consumerGroup"], "audit-log"),
    /share the consumer group audit-log/,
  ],
  ["no consumer group", set(SOURCE, ["spec", "consumerGroup"]), /no consumerGroup/],
  ["the latest offset", set(SOURCE, ["spec", "initialOffset"], "latest"), /earliest/],
  ["no ordering", set(SOURCE, ["spec", "ordering"]), /no ordering/],
  ["a topic that nobody makes", set(SOURCE, ["spec", "topics", 0], "task-event"), /no Job makes/],
  ["no Job for the topics", drop("Job", "topics"), /which no Job makes/],
  [
    "more replicas than brokers",
    (resources) => {
      set(
        "ConfigMap/task-events-topics",
        ["data", "default.topic.replication.factor"],
        "3",
      )(resources);
      add({ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "kafka" }, spec: {} })(
        resources,
      );
    },
    /than Kafka has brokers \(1\)/,
  ],
  [
    "a sink that is not there",
    set(SOURCE, ["spec", "sink", "ref", "name"], "mail"),
    /Service mail/,
  ],
  [
    "a dead letter sink that is not there",
    drop("KafkaSink", "task-events-dead-letters"),
    /needs KafkaSink task-events-dead-letters/,
  ],
  [
    "a Broker that is not there",
    drop("Broker", "task-events"),
    /recurring-task needs Broker task-events/,
  ],
  ["a Trigger's Broker that is not there", add(strayTrigger), /Trigger\/t needs Broker other/],
  [
    "a URL that leads nowhere",
    drop("Service", "audit-log"),
    /websocket-gateway needs Service audit/,
  ],
  [
    "a ConfigMap's key that is not there",
    set("ConfigMap/task-events-topics", ["data", "default.topic.partitions"]),
    /ConfigMap task-events-topics with the key default.topic.partitions/,
  ],
  [
    "a Secret that nobody gives",
    set(SERVICE, [...container, "env", 0, "valueFrom", "secretKeyRef", "name"], "database"),
    /Secret database with the key url/,
  ],
  [
    "a service account that is not there",
    set(SERVICE, [...template, "spec", "serviceAccountName"], "notification"),
    /ServiceAccount notification/,
  ],
  [
    "a volume that is not there",
    set(SERVICE, [...container, "volumeMounts"], [{ name: "ca", mountPath: "/ca" }]),
    /volume ca/,
  ],
  [
    "a sidecar's configuration that is not there",
    drop("Configuration", "task-events"),
    /Configuration task-events/,
  ],
  ["a component that is not there", drop("Component", "kafka-pubsub"), /Component kafka-pubsub/],
  [
    "a component for nobody",
    set("Component/redis-state", ["scopes", 0], "gateway"),
    /for the app gateway/,
  ],
  [
    "a consumerID with the namespace",
    set("Component/kafka-pubsub", ["spec", "metadata", 0, "value"], "{namespace}"),
    /has {namespace}/,
  ],
  [
    "a function with a sidecar",
    set(SERVICE, annotation("dapr.io/enabled"), "true"),
    /dapr.io\/enabled/,
  ],
  [
    "a misspelt variable",
    set(SERVICE, [...container, "env", 5, "name"], "JWT_SECRETS"),
    /gives JWT_SECRETS, which dist\/index\.mjs does not read/,
  ],
  [
    "a variable that is missing",
    set("Job/topics", [...container, "env", 1, "name"], "LOG_LEVEL"),
    /needs: KAFKA_BROKER is not set/,
  ],
  [
    "a program that is missing",
    set("Job/topics", [...container, "command", 1], "dist/topic.mjs"),
    /runs dist\/topic\.mjs, which is no bundle/,
  ],
  ["a resource without labels", set(SOURCE, ["metadata", "labels"]), /without the label/],
])("finds %s", (_, change, sentence) => {
  const resources = readBase();
  change(resources);
  expect(mistakesIn(resources)).toContainEqual(expect.stringMatching(sentence));
});

it.each<[string, Change, RegExp]>([
  [
    "a token",
    set("Job/topics", [...template, "spec", "automountServiceAccountToken"]),
    /Job\/topics mounts a token/,
  ],
  [
    "capabilities",
    set(SERVICE, [...container, "securityContext", "capabilities", "drop"], ["NET_RAW"]),
    /keeps capabilities/,
  ],
  ["root", set(SERVICE, [...container, "securityContext", "runAsNonRoot"]), /may run as root/],
  ["no seccomp", set(SERVICE, [...container, "securityContext", "seccompProfile"]), /seccomp/],
  ["no request", set(SERVICE, [...container, "resources", "requests", "cpu"]), /requests\.cpu/],
  ["no limit", set(SERVICE, [...container, "resources", "limits"]), /limits\.memory/],
  ["no probe", set(SERVICE, [...container, "startupProbe"]), /has no startupProbe/],
])("finds a Pod with %s", (_, change, sentence) => {
  const resources = readBase();
  change(resources);
  expect(checkPods(resources)).toContainEqual(expect.stringMatching(sentence));
});
