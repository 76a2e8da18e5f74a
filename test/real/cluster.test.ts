/** What kustomize renders for the base and for each overlay is what an API server with Knative, Kafka and Dapr takes. */
import { beforeAll, describe, expect, it } from "vitest";
import { edgesOf } from "../cluster/edge.ts";
import { DEPLOYED, readFunctionYaml, toService } from "../cluster/function-yaml.ts";
import { givenByHand, givenByScript, refusals, render, renderAbove } from "../cluster/overlay.ts";
import {
  at,
  findKustomizations,
  isKnativeService,
  type Resource,
  templateOf,
  textsAt,
} from "../cluster/resource.ts";
import { mistakesIn } from "../cluster/rule/all.ts";
import { replicationFactor } from "../cluster/rule/consumer.ts";
import { checkPods, writable } from "../cluster/rule/pod.ts";
import { makeFolder } from "../support/folder.ts";
import { lacks, realParts } from "../support/real.ts";

const kustomize = realParts.kustomize.path ?? "";
const kubectlValidate = realParts["kubectl-validate"].path ?? "";
const { folders, components } = findKustomizations();
/** The folders that are a whole for a cluster; the others are parts of them. */
const WHOLE = folders.filter((folder) => /^knative\/(minikube|production)$/.test(folder));

async function expectAccepted(resources: readonly Resource[]): Promise<void> {
  await using folder = await makeFolder();
  expect(resources).not.toEqual([]);
  expect(await refusals(kubectlValidate, resources, folder.path)).toEqual([]);
}

/** Where an overlay leaves the functions to func, with what func deploys. */
const withFunctions = (resources: readonly Resource[]): Resource[] =>
  resources.some(isKnativeService)
    ? [...resources]
    : [...resources, ...DEPLOYED.map((name) => toService(readFunctionYaml(name)))];

describe.skipIf(lacks("kustomize", "kubectl-validate"))("the schemas of an API server", () => {
  it.each(folders)("accept %s", async (folder) => {
    await expectAccepted(await render(kustomize, folder));
  });

  it.each(components.filter((it) => it.startsWith("knative/component/")))(
    "accept the base with %s",
    async (component) => {
      await expectAccepted(await renderAbove(kustomize, [component]));
    },
  );

  it("refuse a wrong type, an unknown field, and a kind that they do not know", async () => {
    await using folder = await makeFolder();
    const source = (await render(kustomize, "eventing")).find(({ kind }) => kind === "KafkaSource");
    const wrong = [
      { ...source, spec: { ...(source?.spec as object), consumers: "one" } },
      { ...source, spec: { ...(source?.spec as object), consumer: 1 } },
      { ...source, kind: "KafkaSauce" },
    ] as Resource[];
    const sentences = await refusals(kubectlValidate, wrong, folder.path);
    expect(sentences.join("\n")).toMatch(/consumers.*integer[^]*"?consumer"?[^]*KafkaSauce/);
  });
});

describe.skipIf(lacks("kustomize"))("the rules that schemas do not know", () => {
  it.each(WHOLE)("hold in %s", async (folder) => {
    const resources = withFunctions(await render(kustomize, folder));
    const given = folder.endsWith("minikube") ? await givenByScript() : givenByHand();
    expect(mistakesIn(resources, given)).toEqual([]);
  });

  it("hold in production with all that watches it, as an overlay of somebody's own names it", async () => {
    const watching = ["monitoring", "log", "trace"].map((name) => `knative/component/${name}`);
    const resources = await renderAbove(kustomize, watching, ["knative/production"]);
    expect(mistakesIn(resources, givenByHand())).toEqual([]);
    // Named beside the others it would come after what gives them their login.
    const exporter = resources.find(
      ({ kind, metadata }) => kind === "Deployment" && metadata.name === "task-events-exporter",
    );
    expect(JSON.stringify(exporter)).toMatch(/KAFKA_CA_FILE/);
  });

  it.each(WHOLE)("of every Pod hold in %s", async (folder) => {
    expect(checkPods(await render(kustomize, folder))).toEqual([]);
  });

  it.each(components.filter((it) => it.startsWith("knative/component/")))(
    "hold in the base with %s",
    async (component) => {
      const resources = await renderAbove(kustomize, [component]);
      expect(mistakesIn(resources, givenByHand())).toEqual([]);
      expect(checkPods(resources)).toEqual([]);
    },
  );

  it("find both overlays", () => {
    expect(WHOLE).toEqual(["knative/minikube", "knative/production"]);
  });

  it("keep one copy of a topic on a laptop, three in production", async () => {
    expect(replicationFactor(await render(kustomize, "knative/minikube"))).toBe(1);
    expect(replicationFactor(await render(kustomize, "knative/production"))).toBe(3);
  });
});

describe.skipIf(lacks("kustomize"))("production", () => {
  let resources: Resource[];
  beforeAll(async () => {
    resources = await render(kustomize, "knative/production");
  });

  it("has no root file system that is written to", () => {
    expect(writable(resources)).toEqual([]);
  });

  it("refers to each Secret that docs/cluster.md asks for", () => {
    const text = JSON.stringify(resources);
    const asked = [...givenByHand()].flatMap((it) => /^Secret\/([^:]+):/.exec(it)?.[1] ?? []);
    expect(asked.filter((name) => !new RegExp(`[":=]${name}[":]`).test(text))).toEqual([]);
  });

  it("lets nobody speak to anybody but along the edges that there are", () => {
    const names = "out: kube-system/kube-dns 53,53";
    const database = "out: 10.20.1.0/24 5432";
    const kafka = "out: 10.20.0.0/24 9093";
    const monitoring = "in: monitoring 9102,9090";
    const called = [
      "in: knative-serving/activator 8012,8013,8112",
      "in: knative-serving/autoscaler 9090",
      "in: kourier-system/3scale-kourier-gateway 8012,8013,8112",
      monitoring,
    ];
    const job = [monitoring, database, names];
    expect(edgesOf(resources)).toEqual({
      "audit-log": [...called, database, names],
      notification: [
        ...called,
        "out: 0.0.0.0/0 but 10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16 443",
        database,
        "out: 10.20.3.0/24 465,587",
        names,
      ],
      "recurring-task": [
        ...called,
        database,
        "out: knative-eventing/kafka-broker-receiver 8080,8443",
        names,
      ],
      "websocket-gateway": [
        monitoring,
        "in: traefik 8080",
        kafka,
        "out: 10.20.2.0/24 6379,6380",
        "out: dapr-system 6500,50001,50005,50006",
        "out: kourier-system/3scale-kourier-gateway 8081,8444",
        names,
      ],
      backup: job,
      "database-roles": job,
      "migrate-audit-log": job,
      "migrate-notification": job,
      "migrate-recurring-task": job,
      schemas: [monitoring, names],
      "task-events-exporter": [monitoring, kafka, database, names],
      topics: [monitoring, kafka, database, names],
      verify: [monitoring, kafka, database, names],
    });
  });

  it("has none but the gateway's Pods spoken to by Dapr, and that with tokens", () => {
    const annotated = resources.filter(
      (it) => textsAt(templateOf(it), "metadata", "annotations")["dapr.io/enabled"] === "true",
    );
    expect(annotated.map(({ metadata }) => metadata.name)).toEqual(["websocket-gateway"]);
    expect(textsAt(templateOf(annotated[0] as Resource), "metadata", "annotations")).toMatchObject({
      "dapr.io/api-token-secret": "dapr-api-token",
      "dapr.io/app-token-secret": "app-api-token",
    });
    const configuration = resources.find(
      ({ apiVersion, kind }) => kind === "Configuration" && apiVersion.startsWith("dapr.io/"),
    );
    expect(at(configuration?.spec, "accessControl", "defaultAction")).toBe("deny");
  });
});
