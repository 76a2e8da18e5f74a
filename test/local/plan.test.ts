/** What the runner will start, told from the YAML alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { UsageError } from "../../lib/host/error.ts";
import { ManifestError } from "../../local/manifest/error.ts";
import { resolveEnv } from "../../local/plan/process.ts";
import { prepare } from "../../local/runner.ts";
import { copyManifest, REPOSITORY } from "./manifest-copy.ts";

const ports = {
  broker: 18080,
  console: 18090,
  kafka: 19092,
  services: { notification: 1, "audit-log": 3, "recurring-task": 2, "websocket-gateway": 4 },
};

const planOf = (root: string, env: Record<string, string> = {}) =>
  prepare({ root, sources: SOURCES, stateDir: "unused", ports, env, log: () => undefined }).plan;

/** Functions by name alone: the plan looks whether there is something to run. */
const SOURCES = mkdtempSync(join(tmpdir(), "sources "));
const ENTRIES = {
  "audit-log": ["index", "migrate", "schemas", "topics", "verify"],
  notification: ["index", "migrate"],
  "recurring-task": ["index", "migrate"],
  "websocket-gateway": ["index"],
};
for (const [name, entries] of Object.entries(ENTRIES)) {
  mkdirSync(join(SOURCES, "functions", name), { recursive: true });
  for (const entry of entries) writeFileSync(join(SOURCES, "functions", name, `${entry}.ts`), "");
}
afterAll(() => rmSync(SOURCES, { recursive: true }));

const SERVICE = "knative/base/service-notification.yaml";
const SOURCE = "eventing/kafka-source-recurring-task.yaml";

it("takes delivery, ordering and sinks from the YAML, with the cluster's names replaced", () => {
  using copy = copyManifest()
    .edit(SOURCE, "retry: 7", "retry: 2")
    .edit(SOURCE, "PT0.5S", "PT0.1S")
    .edit(SOURCE, "ordering: ordered", "ordering: unordered");
  const found = planOf(copy.root).kafkaSources.find(
    ({ source }) => source.name === "recurring-task",
  );
  expect(found?.sinkUrl).toBe("http://127.0.0.1:2");
  expect(found?.source).toMatchObject({
    topics: ["task-events"],
    consumerGroup: "recurring-task",
    initialOffset: "earliest",
    ordering: "unordered",
    delivery: {
      retry: 2,
      backoffPolicy: "exponential",
      backoffDelayMs: 100,
      timeoutMs: 15_000,
      deadLetterSinkUrl: "http://127.0.0.1:18080/default/task-events-dead-letters",
    },
  });
});

it("names the variable that is no port, not what would be made of it", () => {
  const options = { root: REPOSITORY, sources: SOURCES, stateDir: "unused", log: () => undefined };
  expect(() => prepare({ ...options, env: { KAFKA_PORT: "abc" } })).toThrow(
    new UsageError("KAFKA_PORT must be a port number from 1 to 65535."),
  );
});

it("fills in what Knative does where delivery, ordering and offset are absent", () => {
  using copy = copyManifest()
    .edit(SOURCE, / {2}delivery:\n[^]*/, "")
    .edit(SOURCE, /  ordering: .*\n/, "")
    .edit(SOURCE, /  initialOffset: .*\n/, "");
  const found = planOf(copy.root).kafkaSources.find(
    ({ source }) => source.name === "recurring-task",
  );
  expect(found?.source).toMatchObject({
    ordering: "ordered",
    initialOffset: "latest",
    delivery: { retry: 10, backoffPolicy: "exponential", backoffDelayMs: 300, timeoutMs: 600_000 },
  });
});

it("takes scale and concurrency from the Service's template", () => {
  using copy = copyManifest()
    .edit(SERVICE, 'min-scale: "0"', 'min-scale: "2"')
    .edit(
      SERVICE,
      "window: 15s",
      "window: 1m30s\n        autoscaling.knative.dev/scale-to-zero-pod-retention-period: 30s",
    );
  const found = planOf(copy.root).services.find(({ name }) => name === "notification");
  expect(found?.scale).toEqual({
    min: 2,
    max: 5,
    initial: 0,
    activation: 0,
    metric: "concurrency",
    aggregation: "linear",
    concurrency: 200,
    total: 100,
    target: 70,
    burst: 211,
    windowMs: 90_000,
    panicWindowMs: 9_000,
    panicThreshold: 2,
    scaleDownDelayMs: 0,
    retentionMs: 30_000,
  });
  expect(found?.limit).toEqual({ timeoutMs: 60_000 });
});

it("takes probes and time limits from the Service, and Kubernetes' values where it says none", () => {
  using copy = copyManifest()
    .edit(SERVICE, "path: /health/readiness", "path: /ready\n            periodSeconds: 2")
    .edit(SERVICE, "timeoutSeconds: 60", "timeoutSeconds: 0\n      idleTimeoutSeconds: 7");
  const found = planOf(copy.root).services.find(({ name }) => name === "notification");
  const usual = { initialDelayMs: 0, timeoutMs: 1_000, successThreshold: 1, failureThreshold: 3 };
  expect(found?.process.probes).toEqual({
    startup: { ...usual, path: "/health/liveness", periodMs: 1_000, failureThreshold: 60 },
    readiness: { ...usual, path: "/ready", periodMs: 2_000 },
    liveness: { ...usual, path: "/health/liveness", periodMs: 10_000 },
  });
  expect(found?.limit).toEqual({ timeoutMs: 300_000, idleMs: 7_000 });
});

it("gives a process exactly the environment of its container", () => {
  const plan = planOf(REPOSITORY);
  const gateway = plan.statefulSets[0];
  const env = resolveEnv(gateway?.process.env ?? {}, {
    secrets: ({ name, key }) => `<${name}/${key}>`,
    podName: "websocket-gateway-1",
  });
  expect(env).toEqual({
    POD_NAME: "websocket-gateway-1",
    KAFKA_BROKER: "127.0.0.1:19092",
    KAFKA_TOPIC: "task-events",
    AUDIT_LOG_URL: "http://127.0.0.1:3",
    JWT_SECRET: "<token/secret>",
    CURSOR_KEYS: "<cursor/keys>",
    SERVICE_TOKEN_KEY: "<service-token/key>",
    NODE_OPTIONS: "--max-semi-space-size=4",
  });
  expect(gateway?.process.entry).toBe(join(SOURCES, "functions/websocket-gateway/index.ts"));
});

it("runs the source in place of the bundle that a Job's command names", () => {
  const [topics] = planOf(REPOSITORY).jobs;
  expect(topics?.process.entry).toBe(join(SOURCES, "functions/audit-log/topics.ts"));
  expect(planOf(REPOSITORY).migrations).toHaveLength(3);
});

it("hands the address of a schema registry to the Job that publishes there, where it is set", () => {
  const env = { SCHEMA_REGISTRY_URL: "http://user:secret@registry.example:8081" };
  const schemasOf = (given: Record<string, string>) =>
    planOf(REPOSITORY, given).jobs.find(({ name }) => name === "schemas")?.process;
  expect(schemasOf(env)?.entry).toBe(join(SOURCES, "functions/audit-log/schemas.ts"));
  const secrets = ({ name, key }: { name: string; key: string }) =>
    `${name}/${key}` === "schema-registry/url" ? env.SCHEMA_REGISTRY_URL : undefined;
  const sources = { secrets, podName: "schemas" };
  expect(resolveEnv(schemasOf(env)?.env ?? {}, sources)).toEqual({
    KAFKA_TOPIC: "task-events",
    ...env,
  });
  expect(schemasOf({})?.env).toEqual({ KAFKA_TOPIC: "task-events" });
});

it("puts a changed env and an env of a ConfigMap into the process", () => {
  using copy = copyManifest()
    .edit(SERVICE, "Task Events <no-reply@task-events.example>", "a@b.example")
    .edit("eventing/config-map-task-events-topics.yaml", 'partitions: "12"', 'partitions: "3"');
  const plan = planOf(copy.root);
  const found = plan.services.find(({ name }) => name === "notification");
  expect(found?.process.env["SMTP_FROM"]).toBe("a@b.example");
  expect(Object.values(plan.jobs[0]?.process.env ?? {})).toContain("3");
});

it("gives the sidecar its components, with envRef taken from dapr.io/env, and resolved policies", () => {
  const sidecar = planOf(REPOSITORY).statefulSets[0]?.sidecar;
  expect(sidecar?.appId).toBe("websocket-gateway");
  expect(sidecar?.env).toMatchObject({ KAFKA_BROKER: "127.0.0.1:19092", KAFKA_AUTH_TYPE: "none" });
  expect(sidecar?.resources).toEqual(["dapr-components"]);
  expect(sidecar?.config).toBe("dapr-components/configuration-task-events.yaml");
  expect(sidecar?.components.map(({ name, metadata }) => [name, metadata])).toMatchObject([
    [
      "kafka-pubsub",
      {
        brokers: { envRef: "KAFKA_BROKER" },
        authType: { envRef: "KAFKA_AUTH_TYPE" },
        consumerID: "{podName}",
      },
    ],
    ["redis-state", { keyPrefix: "appid" }],
  ]);
  expect(sidecar?.subscriptions).toEqual([
    {
      pubsubName: "kafka-pubsub",
      topic: "task-events",
      route: "/dapr/task-events",
      metadata: { rawPayload: "true" },
    },
  ]);
  expect(sidecar?.inbound["kafka-pubsub"]).toEqual({
    timeoutMs: 10_000,
    retry: { policy: "exponential", durationMs: 5_000, maxIntervalMs: 5_000, maxRetries: -1 },
  });
});

it("uses a real Kafka in place of the embedded one", () => {
  const env = { KAFKA_BROKER: "kafka.example:9092" };
  const plan = planOf(REPOSITORY, env);
  expect(plan.statefulSets[0]?.process.env["KAFKA_BROKER"]).toBe("kafka.example:9092");
});

it.each<[string, string, string | RegExp, string, string]>([
  [
    "a Secret that nothing provides",
    SERVICE,
    "name: smtp\n",
    "name: mail\n",
    'service-notification.yaml:47: nothing provides key "url" of Secret "mail": set MAIL_URL in .env or the environment',
  ],
  [
    "a key that nothing provides",
    SERVICE,
    "key: secret",
    "key: secrets",
    'nothing provides key "secrets" of Secret "token"',
  ],
  [
    "a ConfigMap's missing key",
    "eventing/job-topics.yaml",
    "key: topics",
    "key: topic",
    'there is no key "topic" in ConfigMap "task-events-topics"',
  ],
  [
    "an image without a function",
    SERVICE,
    "task-events/notification",
    "task-events/notifier",
    "there is no functions/notifier",
  ],
  [
    "a command without a source",
    "eventing/job-topics.yaml",
    "topics.mjs",
    "topic.mjs",
    "there is no functions/audit-log/topic.ts to run",
  ],
  [
    "an address of nothing in an env",
    "knative/base/stateful-set-websocket-gateway.yaml",
    "http://audit-log.default",
    "http://audit.default",
    "audit.default.svc.cluster.local is the address of nothing",
  ],
  [
    "another Kafka",
    SOURCE,
    "kafka.default.svc:9092",
    "kafka.other.svc:9092",
    "kafka.other.svc:9092 is the address of nothing",
  ],
  [
    "an outside Kafka that would never be read",
    SOURCE,
    "kafka.default.svc:9092",
    "kafka.example:9092",
    "kafka.example:9092 is not the address of Kafka",
  ],
  [
    "an address of nothing in a ConfigMap",
    "eventing/config-map-task-events-topics.yaml",
    "kafka.default.svc:9092",
    "kafka.default.svc:9093",
    "config-map-task-events-topics.yaml:13: kafka.default.svc:9093 is the address of nothing",
  ],
  [
    "an envRef without a variable",
    "dapr-components/component-redis-state.yaml",
    "REDIS_HOST",
    "REDIS",
    "no annotation dapr.io/env gives REDIS to the sidecar",
  ],
  [
    "a sink URI that leads nowhere",
    SOURCE,
    /ref:\n(?: {6}.*\n){3}/,
    "uri: http://nobody.default.svc\n",
    "nobody.default.svc is the address of nothing",
  ],
])("refuses %s", (_, file, from, to, sentence) => {
  using copy = copyManifest().edit(file, from, to);
  expect(() => planOf(copy.root)).toThrow(ManifestError);
  expect(() => planOf(copy.root)).toThrow(sentence);
});

it("a KafkaSink is the sink of a PingSource, of a KafkaSource and of a function", () => {
  const ref = `ref:
      apiVersion: eventing.knative.dev/v1alpha1
      kind: KafkaSink
      name: task-events-dead-letters
`;
  using copy = copyManifest()
    .edit("eventing/ping-source-recurring-task.yaml", /ref:\n(?: {6}.*\n){3}/, ref)
    .edit(SOURCE, /ref:\n(?: {6}.*\n){3}/, ref)
    .edit(
      "knative/base/service-recurring-task.yaml",
      "kafka-broker-ingress.knative-eventing.svc.cluster.local/default/task-events",
      "kafka-sink-ingress.knative-eventing.svc.cluster.local/default/task-events-dead-letters",
    );
  const { pingSources, kafkaSources, services, sinks } = planOf(copy.root);
  const url = "http://127.0.0.1:18080/default/task-events-dead-letters";
  expect(pingSources.map(({ sinkUrl }) => sinkUrl)).toContain(url);
  expect(kafkaSources.map(({ sinkUrl }) => sinkUrl)).toContain(url);
  const recurring = services.find(({ name }) => name === "recurring-task");
  expect(recurring?.process.env["BROKER_URL"]).toBe(url);
  expect(sinks).toContainEqual({
    namespace: "default",
    name: "task-events-dead-letters",
    topic: "task-events-dead-letters",
    contentMode: "binary",
  });
});

it("takes a Secret's key from the environment, or from a Secret in the YAML", () => {
  using copy = copyManifest().edit(SERVICE, "name: smtp\n", "name: mail\n");
  expect(() => planOf(copy.root, { MAIL_URL: "smtp://mail.example" })).not.toThrow();
  copy
    .write(
      "knative/secret-mail.yaml",
      "apiVersion: v1\nkind: Secret\nmetadata: { name: mail }\nstringData: { url: smtp://mail.default.example }\n",
    )
    .edit("knative/kustomization.yaml", "resources:", "resources:\n  - secret-mail.yaml");
  const found = planOf(copy.root).services.find(({ name }) => name === "notification");
  expect(found?.process.env["SMTP_URL"]).toBe("smtp://mail.default.example");
});
