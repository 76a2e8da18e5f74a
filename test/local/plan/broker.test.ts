/** What becomes of Brokers and Triggers, told from the YAML alone. */
import { expect, it } from "vitest";
import { prepare } from "../../../local/runner.ts";
import { copyManifest, type ManifestCopy, REPOSITORY } from "../manifest-copy.ts";

const ports = {
  broker: 18080,
  console: 18090,
  kafka: 19092,
  services: { notification: 1, "audit-log": 3, "recurring-task": 2, "websocket-gateway": 4 },
};

const prepared = ({ root }: ManifestCopy) =>
  prepare({
    root,
    sources: REPOSITORY,
    stateDir: "unused",
    ports,
    env: {},
    log: () => undefined,
  });
const planOf = (copy: ManifestCopy) => prepared(copy).plan;

const LETTERS = `
    deadLetterSink:
      ref: { apiVersion: eventing.knative.dev/v1alpha1, kind: KafkaSink, name: task-events-dead-letters }`;

const brokerYaml = (spec = "") => `apiVersion: eventing.knative.dev/v1
kind: Broker
metadata:
  name: imports
  annotations: { eventing.knative.dev/broker.class: Kafka }
spec:
  config: { apiVersion: v1, kind: ConfigMap, name: task-events-topics }
${spec}`;

const triggerYaml = (spec: string, annotations = "") => `apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: mailer
  annotations: { ${annotations} }
spec:
${spec}`;

const subscriber = `
  subscriber: { ref: { apiVersion: serving.knative.dev/v1, kind: Service, name: notification } }`;
const onImports = `  broker: imports${subscriber}`;

/** The repository's YAML with a second Broker and, mostly, a Trigger. */
function withFiles(...texts: readonly string[]): ManifestCopy {
  const copy = copyManifest();
  for (const [index, text] of texts.entries()) {
    copy.write(`eventing/added-${index}.yaml`, text);
    copy.edit(
      "eventing/kustomization.yaml",
      "resources:\n",
      `resources:\n  - added-${index}.yaml\n`,
    );
  }
  return copy;
}

it("a Broker is on the topic of its annotation, or on one that is made as its ConfigMap says", () => {
  using copy = withFiles(brokerYaml()).edit(
    "eventing/config-map-task-events-topics.yaml",
    'default.topic.partitions: "12"',
    'default.topic.partitions: "3"\n  default.topic.config.retention.ms: "60000"',
  );
  expect(planOf(copy).brokers).toMatchObject([
    {
      name: "imports",
      topic: "knative-broker-default-imports",
      made: { partitions: 3, replicationFactor: 1, configs: { "retention.ms": "60000" } },
    },
    { name: "task-events", topic: "task-events", made: undefined },
  ]);
});

it("a Trigger: unordered, from the end, in a group of its name, at its subscriber", () => {
  using copy = withFiles(brokerYaml(), triggerYaml(onImports));
  expect(planOf(copy).triggers).toMatchObject([
    {
      trigger: {
        topic: "knative-broker-default-imports",
        consumerGroup: "knative-trigger-default-mailer",
        ordering: "unordered",
        initialOffset: "latest",
        filter: {},
      },
      sinkUrl: "http://127.0.0.1:1",
      functionName: "notification",
    },
  ]);
});

it("delivery.order is read without regard to case, as the controller does", () => {
  const annotation = "kafka.eventing.knative.dev/delivery.order: Ordered";
  using copy = withFiles(brokerYaml(), triggerYaml(onImports, annotation));
  expect(planOf(copy).triggers[0]?.trigger.ordering).toBe("ordered");
});

it("a uri beside ref is a path of the subscriber", () => {
  const spec = onImports.replace("subscriber: { ", "subscriber: { uri: /v2/events, ");
  using copy = withFiles(brokerYaml(), triggerYaml(spec));
  expect(planOf(copy).triggers[0]?.sinkUrl).toBe("http://127.0.0.1:1/v2/events");
});

const deliveryOf = (copy: ManifestCopy) => planOf(copy).triggers[0]?.trigger.delivery;

it("without any delivery, what the webhook writes into the Broker: 10 retries and no dead letter sink", () => {
  using copy = withFiles(brokerYaml(), triggerYaml(onImports));
  expect(deliveryOf(copy)).toEqual({
    retry: 10,
    backoffPolicy: "exponential",
    backoffDelayMs: 200,
    timeoutMs: 600_000,
  });
});

it("without a delivery of its own, the Broker's", () => {
  using copy = withFiles(brokerYaml(`  delivery:\n    retry: 3${LETTERS}`), triggerYaml(onImports));
  expect(deliveryOf(copy)).toMatchObject({
    retry: 3,
    deadLetterSinkUrl: "http://127.0.0.1:18080/default/task-events-dead-letters",
  });
});

it("a delivery of its own replaces all of the Broker's: its retries and dead letter sink too", () => {
  using copy = withFiles(
    brokerYaml(`  delivery:\n    retry: 3${LETTERS}`),
    triggerYaml(`${onImports}\n  delivery: { backoffDelay: PT1S }`),
  );
  expect(deliveryOf(copy)).toEqual({
    retry: 0,
    backoffPolicy: "exponential",
    backoffDelayMs: 1_000,
    timeoutMs: 600_000,
  });
});

it("filters beside filter, and annotations that mean nothing here, are warned of", () => {
  const spec = `${onImports}\n  filter: { attributes: { type: a } }\n  filters: [{ exact: { type: b } }]`;
  const annotation = "kafka.eventing.knative.dev/delivery.ordering: ordered";
  using copy = withFiles(brokerYaml(), triggerYaml(spec, annotation));
  const sentences = prepared(copy).warnings.map(({ sentence }) => sentence);
  expect(sentences).toContain("filters overrides filter, which has no effect");
  expect(sentences.join("\n")).toContain("delivery.ordering means nothing to a Trigger");
});

it.each<[string, string, string]>([
  ["no broker", subscriber, "6: spec.broker is missing"],
  ["no subscriber", "  broker: imports", "6: spec.subscriber is missing"],
  ["an empty subscriber", "  broker: imports\n  subscriber: {}", "8: a sink needs ref or uri"],
  [
    "a Broker that is not there",
    onImports.replace("imports", "import"),
    '7: there is no Broker "import"',
  ],
  [
    "a Service that is not there",
    onImports.replace("name: notification", "name: notifier"),
    '8: there is no Service "notifier"',
  ],
  [
    "a URL beside ref",
    onImports.replace("subscriber: { ", "subscriber: { uri: http://a.example, "),
    "8: a uri beside ref is a path of what ref names, not a URL",
  ],
  [
    "brokerRef",
    `${onImports}\n  brokerRef: { kind: Broker, name: imports }`,
    "9: spec.brokerRef is not supported by the local runner",
  ],
  ["an unknown field", `${onImports}\n  filtres: []`, "9: unknown field spec.filtres"],
  [
    "an unknown dialect, deep inside",
    `${onImports}\n  filters:\n    - all:\n        - not:\n            sufix: { type: a }`,
    "12: unknown field spec.filters[0].all[0].not.sufix",
  ],
  [
    "an attribute that can have no such name",
    `${onImports}\n  filters:\n    - exact:\n        myAttr: x`,
    '11: invalid key name "myAttr"',
  ],
  [
    "two dialects in one entry",
    `${onImports}\n  filters:\n    - exact: { type: a }\n      prefix: { source: /b }`,
    "11: multiple dialects found",
  ],
  [
    "CESQL",
    `${onImports}\n  filters:\n    - any:\n        - cesql: type = 'a'`,
    "11: cesql is not supported by the local runner",
  ],
  [
    "no time for an attempt",
    `${onImports}\n  delivery:\n    timeout: PT0S`,
    "10: timeout must be above 0",
  ],
  [
    "a dead letter sink that is not there",
    `${onImports}\n  delivery:${LETTERS.replace("task-events-dead", "dead")}`,
    '11: there is no KafkaSink "dead-letters"',
  ],
])("%s is a mistake with file and line", (_, spec, sentence) => {
  using copy = withFiles(brokerYaml(), triggerYaml(spec));
  expect(() => planOf(copy)).toThrow(`eventing/added-1.yaml:${sentence}`);
});

it.each([
  ["kafka.eventing.knative.dev/delivery.order: sorted", "must be one of ordered, unordered"],
  ["eventing.knative.dev/injection: enabled", "injection is not supported by the local runner"],
])("the annotation %s is a mistake", (annotation, sentence) => {
  using copy = withFiles(brokerYaml(), triggerYaml(onImports, annotation));
  expect(() => planOf(copy)).toThrow(sentence);
});

it.each([
  ["bootstrap.servers: kafka.default.svc:9092", "needs bootstrap.servers"],
  [
    'default.topic.partitions: "12"',
    "needs default.topic.partitions, a number above 0, not nothing",
  ],
  [
    'default.topic.replication.factor: "1"',
    "needs default.topic.replication.factor, a number above 0, not nothing",
  ],
])("a Broker's ConfigMap without %s is a mistake", (line, sentence) => {
  using copy = withFiles(brokerYaml()).edit(
    "eventing/config-map-task-events-topics.yaml",
    `  ${line}\n`,
    "",
  );
  // The topics Job reads the last two as well.
  expect(() => planOf(copy)).toThrow(sentence);
});
