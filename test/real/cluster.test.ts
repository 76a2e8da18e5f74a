/** What kustomize renders for the base and for each overlay is what an API server with Knative, Kafka and Dapr takes. */
import { expect, describe, it } from "vitest";
import { DEPLOYED, readFunctionYaml, toService } from "../cluster/function-yaml.ts";
import { givenByHand, refusals, render, renderAbove } from "../cluster/overlay.ts";
import { findKustomizations, isKnativeService, type Resource } from "../cluster/resource.ts";
import { mistakesIn } from "../cluster/rule/all.ts";
import { replicationFactor } from "../cluster/rule/consumer.ts";
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
    expect(mistakesIn(resources, givenByHand())).toEqual([]);
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

  it("find both overlays", () => {
    expect(WHOLE).toEqual(["knative/minikube", "knative/production"]);
  });

  it("keep one copy of a topic on a laptop, three in production", async () => {
    expect(replicationFactor(await render(kustomize, "knative/minikube"))).toBe(1);
    expect(replicationFactor(await render(kustomize, "knative/production"))).toBe(3);
  });
});
