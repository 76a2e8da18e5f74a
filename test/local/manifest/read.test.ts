/** What a person is told about mistakes in the YAML: file, line, one sentence. */
import { expect, it } from "vitest";
import { toLine } from "../../../local/manifest/error.ts";
import { readManifest } from "../../../local/manifest/read.ts";
import { copyManifest, REPOSITORY } from "../manifest-copy.ts";

const SOURCE = "eventing/kafka-source-audit-log.yaml";
const PING = "eventing/ping-source-notification.yaml";
const SERVICE = "knative/base/service-notification.yaml";
const GATEWAY = "knative/base/stateful-set-websocket-gateway.yaml";
const COMPONENT = "dapr-components/component-kafka-pubsub.yaml";
const RESILIENCY = "dapr-components/resiliency-task-events.yaml";
const SUBSCRIPTION = "dapr-components/subscription-task-events.yaml";

it("takes the repository's own YAML without a problem or a warning", () => {
  const { problems, warnings, manifest } = readManifest(REPOSITORY);
  expect([...problems, ...warnings]).toEqual([]);
  expect(manifest.kafkaSources.map(({ metadata }) => metadata.name)).toEqual([
    "audit-log",
    "notification",
    "recurring-task",
  ]);
});

it.each<[string, string, string | RegExp, string, string]>([
  [
    "an unknown field",
    SOURCE,
    "retry:",
    "retries:",
    "unknown field spec.delivery.retries (known here:",
  ],
  [
    "a legal field that is not done",
    SOURCE,
    "  sink:",
    "  net: {}\n  sink:",
    "spec.net is not supported by the local runner",
  ],
  [
    "a word that is none of the allowed",
    SOURCE,
    "unordered",
    "sorted",
    'spec.ordering must be one of ordered, unordered, not "sorted"',
  ],
  [
    "a wrong type",
    SOURCE,
    "retry: 7",
    'retry: "7"',
    'spec.delivery.retry must be integer, not "7"',
  ],
  ["a negative retry", SOURCE, "retry: 7", "retry: -1", "spec.delivery.retry must be >= 0, not -1"],
  ["a missing field", SOURCE, /  sink:\n(?: {4,}.*\n)+/, "", "spec.sink is missing"],
  [
    "a bad duration",
    SOURCE,
    "PT0.5S",
    "500ms",
    'backoffDelay must be an ISO 8601 duration like PT0.5S, not "500ms"',
  ],
  [
    "a negative duration",
    SOURCE,
    "PT15S",
    "-PT15S",
    'timeout must be an ISO 8601 duration like PT0.5S, not "-PT15S"',
  ],
  [
    "a dangling sink",
    SOURCE,
    "Service\n      name: audit-log",
    "Service\n      name: audit",
    'there is no Service "audit"',
  ],
  [
    "a dangling dead letter sink",
    SOURCE,
    "name: task-events-dead-letters",
    "name: letters",
    'there is no KafkaSink "letters"',
  ],
  [
    "a sink of a kind that takes no events",
    SOURCE,
    "kind: Service",
    "kind: ConfigMap",
    "ConfigMap (serving.knative.dev/v1) is nothing that can be a sink here",
  ],
  [
    "a bad cron",
    PING,
    "*/2 * * * *",
    "61 * * * *",
    'schedule "61 * * * *" is no cron schedule: Invalid value for minute: 61',
  ],
  [
    "an override whose name is no extension's",
    PING,
    "  schedule:",
    "  ceOverrides: { extensions: { tenant-id: t } }\n  schedule:",
    '"tenant-id" is no name of an extension: only a-z and 0-9 are',
  ],
  [
    "a KafkaSink with the name of a Broker",
    "eventing/kafka-sink-task-events-dead-letters.yaml",
    /$/,
    `---
apiVersion: eventing.knative.dev/v1alpha1
kind: KafkaSink
metadata: { name: task-events }
spec: { topic: task-events, bootstrapServers: [kafka.default.svc:9092] }
`,
    'KafkaSink "task-events" has the name of a Broker',
  ],
  ["@every", PING, "*/2 * * * *", "@every 5m", "@every is refused"],
  [
    "a day of week 7, which Knative refuses",
    PING,
    "*/2 * * * *",
    "0 0 * * 7",
    "the day of week goes from 0 to 6",
  ],
  ["a field that only croner knows", PING, "*/2 * * * *", "0 0 L * *", '"L" is no field of it'],
  [
    "an unknown time zone",
    PING,
    "Etc/UTC",
    "Mars/Olympus",
    'timezone "Mars/Olympus" is no IANA time zone',
  ],
  ["data that is no JSON object", PING, '"{}"', '"[]"', "data must be a JSON object"],
  [
    "data twice",
    PING,
    '"{}"',
    '"{}"\n  dataBase64: e30=',
    "data and dataBase64 exclude each other",
  ],
  [
    "min-scale above max-scale",
    SERVICE,
    'min-scale: "0"',
    'min-scale: "9"',
    "min-scale 9 is above max-scale 5",
  ],
  [
    "an autoscaling annotation on the Service",
    SERVICE,
    "spec:",
    '  annotations:\n    autoscaling.knative.dev/min-scale: "1"\nspec:',
    "belongs on spec.template.metadata, not on the Service",
  ],
  [
    "an activation-scale above max-scale",
    SERVICE,
    "autoscaling.knative.dev/window: 15s",
    'autoscaling.knative.dev/activation-scale: "6"',
    "activation-scale 6 is above max-scale 5",
  ],
  [
    "a window of broken seconds",
    SERVICE,
    "window: 15s",
    "window: 6500ms",
    "autoscaling.knative.dev/window must be of whole seconds",
  ],
  [
    "an unknown autoscaling annotation",
    SERVICE,
    "/window",
    "/windows",
    "autoscaling.knative.dev/windows is unknown",
  ],
  [
    "a window that is too short",
    SERVICE,
    "window: 15s",
    "window: 5s",
    "must lie between 6s and 1h",
  ],
  [
    "timeoutSeconds above the limit",
    SERVICE,
    "timeoutSeconds: 60",
    "timeoutSeconds: 6000",
    "timeoutSeconds must not be above 600",
  ],
  [
    "two ports",
    SERVICE,
    "containerPort: 8080",
    "containerPort: 8080\n            - containerPort: 8081",
    "a container has one port here",
  ],
  [
    "an unquoted yes, which is no text in YAML 1.1",
    SERVICE,
    "value: Task Events <no-reply@task-events.example>",
    "value: yes",
    "spec.template.spec.containers[0].env[2].value must be string, not true",
  ],
  [
    "an env that is made of another",
    SERVICE,
    "value: Task Events <no-reply@task-events.example>",
    "value: $(SMS_FROM)",
    "$(…) in SMTP_FROM is not supported by the local runner",
  ],
  [
    "a volume",
    SERVICE,
    "      containers:",
    "      volumes: []\n      containers:",
    "spec.template.spec.volumes is not supported by the local runner",
  ],
  [
    "an unknown kind",
    "eventing/broker-task-events.yaml",
    "kind: Broker",
    "kind: Brokr",
    "unknown kind Brokr (eventing.knative.dev/v1)",
  ],
  [
    "a kind that is not done",
    "eventing/broker-task-events.yaml",
    "kind: Broker",
    "kind: EventPolicy",
    "kind EventPolicy (eventing.knative.dev/v1) is not supported by the local runner",
  ],
  [
    "another namespace",
    SOURCE,
    "namespace: default",
    "namespace: tasks",
    'metadata.namespace must be one of default, not "tasks"',
  ],
  [
    "a sink in another namespace",
    SOURCE,
    /(sink:\n *ref:\n)/,
    "$1      namespace: tasks\n",
    'spec.sink.ref.namespace must be one of default, not "tasks"',
  ],
  ["a name with capitals", SOURCE, "name: audit-log\n", "name: Audit\n", '"Audit" is no name'],
  [
    "another version of a kind",
    SOURCE,
    "sources.knative.dev/v1",
    "sources.knative.dev/v1beta1",
    "KafkaSource sources.knative.dev/v1beta1: the local runner reads sources.knative.dev/v1",
  ],
  [
    "another class of Broker",
    "eventing/broker-task-events.yaml",
    "class: Kafka",
    "class: MTChannelBasedBroker",
    "the local runner has Brokers of class Kafka alone",
  ],
  [
    "an unknown Dapr annotation",
    GATEWAY,
    "dapr.io/config",
    "dapr.io/confg",
    "dapr.io/confg is not supported by the local runner",
  ],
  [
    "a dangling Configuration",
    GATEWAY,
    "dapr.io/config: task-events",
    "dapr.io/config: other",
    'there is no Configuration "other"',
  ],
  [
    "a selector that does not fit",
    GATEWAY,
    /matchLabels:\n.*$/m,
    "matchLabels:\n      app: other",
    "the selector wants app: other",
  ],
  [
    "a component of another type",
    COMPONENT,
    "pubsub.kafka",
    "pubsub.redis",
    "type pubsub.redis is not supported by the local runner",
  ],
  [
    "a component's unknown metadata",
    COMPONENT,
    "name: disableTls",
    "name: disableTLS",
    "metadata disableTLS is not supported by the local runner",
  ],
  [
    "a dangling scope",
    COMPONENT,
    "- websocket-gateway",
    "- gateway",
    'there is no pod with dapr.io/app-id "gateway"',
  ],
  [
    "a Go duration in ISO 8601",
    RESILIENCY,
    "deliver: 10s",
    "deliver: PT10S",
    'deliver must be a duration like 200ms, not "PT10S"',
  ],
  [
    "a policy that does not exist",
    RESILIENCY,
    "retry: state",
    "retry: slow",
    'there is no retry policy "slow"',
  ],
  [
    "a dangling pubsub",
    SUBSCRIPTION,
    "pubsubname: kafka-pubsub",
    "pubsubname: kafka",
    'there is no Component "kafka"',
  ],
  [
    "a default subscription, in which some data kills daprd",
    SUBSCRIPTION,
    '"true"',
    '"false"',
    'rawPayload other than "true" is not supported',
  ],
  ["what is no YAML", SUBSCRIPTION, "spec:", "spec: [", "no valid YAML"],
])("refuses %s", (_, file, from, to, sentence) => {
  using copy = copyManifest().edit(file, from, to);
  const { problems } = readManifest(copy.root);
  expect(problems.map(toLine).join("\n")).toContain(sentence);
  expect(problems[0]?.file).toBe(file);
});

it("names the line of the mistake, in the middle of a file with several documents too", () => {
  using copy = copyManifest().write(
    PING,
    [
      "# two",
      "---",
      "apiVersion: v1",
      "kind: ConfigMap",
      "metadata: { name: a }",
      "---",
      "apiVersion: v1",
      "kind: ConfigMap",
      "metadata:",
      "  name: b",
      "dta: {}",
    ].join("\n"),
  );
  const { problems } = readManifest(copy.root);
  expect(problems.map(({ file, line }) => `${file}:${String(line)}`)).toEqual([`${PING}:11`]);
});

it("tells all mistakes of all files at once", () => {
  using copy = copyManifest()
    .edit(PING, "schedule:", "shedule:")
    .edit(SERVICE, "timeoutSeconds", "timeoutSecond")
    .edit(SERVICE, "image:", "img:");
  expect(readManifest(copy.root).problems).toHaveLength(4);
});

it("refuses the second resource of one name", () => {
  using copy = copyManifest().edit(PING, "name: notification", "name: recurring-task");
  expect(readManifest(copy.root).problems.map(({ sentence }) => sentence)).toEqual([
    `PingSource recurring-task is also in ${PING}:2`,
  ]);
});

it("warns of a partial delivery block, which means no retry at all", () => {
  using copy = copyManifest().edit(SOURCE, /\n    retry: 7/, "");
  const { problems, warnings } = readManifest(copy.root);
  expect(problems).toEqual([]);
  expect(warnings.map(({ sentence }) => sentence)).toEqual([
    "delivery lacks retry: without retry, nothing is tried again",
  ]);
});

it("warns of retries that outlast the dispatcher's poll interval", () => {
  using copy = copyManifest().edit(SOURCE, "retry: 7", "retry: 10");
  expect(readManifest(copy.root).warnings[0]?.sentence).toContain("one delivery may take 1188 s");
});

it("reads what kustomization.yaml lists and nothing else, folders included", () => {
  using copy = copyManifest()
    .edit("eventing/kustomization.yaml", "  - ping-source-notification.yaml\n", "")
    .edit("knative/kustomization.yaml", "resources:", "resources:\n  - ../eventing");
  const listed = readManifest(copy.root, ["eventing"]).manifest.pingSources;
  expect(listed.map(({ metadata }) => metadata.name)).toEqual(["recurring-task"]);
  const followed = readManifest(copy.root, ["knative", "dapr-components"]);
  expect(followed.manifest.brokers).toHaveLength(1);
});

it("names a listed file that is not there", () => {
  using copy = copyManifest().edit("eventing/kustomization.yaml", "job-topics", "job-topic");
  expect(readManifest(copy.root).problems.map(toLine)).toContain(
    "eventing/kustomization.yaml:6: there is no eventing/job-topic.yaml",
  );
});
