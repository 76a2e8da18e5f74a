/** `func deploy` and `kubectl apply` make the same function of the same numbers. */
import { Ajv } from "ajv";
import { globSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DEPLOYED, readFunctionYaml, toService } from "./function-yaml.ts";
import {
  at,
  containersOf,
  isKnativeService,
  parseResources,
  readBase,
  readText,
  type Resource,
  ROOT,
  textsAt,
} from "./resource.ts";
import { mistakesIn } from "./rule/all.ts";

const SCHEMA = "test/cluster/func-v0.41.0-schema.json";
const files = globSync("functions/*/func.yaml", { cwd: ROOT });

/** JSON Schema draft 4, of which the schema uses nothing that draft 7 has otherwise. */
function funcSchema(): (value: unknown) => string[] {
  const schema = JSON.parse(
    readText(SCHEMA).replaceAll("http://json-schema.org/draft-04/schema#", ""),
    (key: string, value: unknown) => (key === "$schema" ? undefined : value),
  ) as object;
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(
    schema,
  );
  return (value) =>
    validate(value)
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message, params }) =>
            `${instancePath} ${message} ${JSON.stringify(params)}`,
        );
}

it.each(files)("%s passes func's own schema", (file) => {
  expect(funcSchema()(parse(readText(file)))).toEqual([]);
});

it("finds what func itself would pass over: it reads YAML without complaint about unknown fields", () => {
  const misspelt = { ...readFunctionYaml("audit-log"), deploy: { healthEndpoint: {} } };
  expect(funcSchema()(misspelt)).toContainEqual(expect.stringContaining("healthEndpoint"));
});

const inKnative = (name: string): Resource => {
  const [service] = parseResources(readText(`knative/base/service-${name}.yaml`));
  if (service === undefined) throw new Error(`no Service ${name}`);
  return service;
};

/**
 * What func has no word for, and what follows where it alone has deployed a function. Nothing depends on it: the
 * first `kubectl apply` adds them, and `func deploy` leaves all but the annotations as they are.
 */
const WITHOUT_A_WORD: Readonly<Record<string, string>> = {
  "spec.timeoutSeconds": "300 s: the dispatcher's 15 s end an attempt earlier",
  "spec.automountServiceAccountToken":
    "a token of the default account, which may nothing, is mounted",
  "annotation autoscaling.knative.dev/window": "the cluster's default, 60 s",
  "annotation autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0 s: it ends sooner",
  "container.startupProbe": "liveness is asked from the start: it has 30 s",
  "container.name": "Serving calls it user-container",
  "container.ports": "8080 and HTTP/1.1 are Serving's default",
};

describe.each(DEPLOYED)("%s", (name) => {
  const func = toService(readFunctionYaml(name));
  const knative = inKnative(name);

  it("is deployed by func as by kubectl, but for what func has no word for", () => {
    const [ours, theirs] = [settingsOf(knative), settingsOf(func)];
    const onlyOurs = Object.keys(ours).filter((setting) => !(setting in theirs));
    expect(onlyOurs.filter((setting) => !(setting in WITHOUT_A_WORD))).toEqual([]);
    for (const setting of onlyOurs) delete ours[setting];
    expect(ours).toEqual(theirs);
  });

  it("is accepted as func deploys it, without a sidecar of Dapr", () => {
    const others = readBase().filter((it) => !isKnativeService(it) || it.metadata.name !== name);
    expect(mistakesIn([...others, func])).toEqual([]);
    expect(textsAt(func.spec, "template", "metadata", "annotations")).toMatchObject({
      "dapr.io/enabled": "false",
    });
  });
});

it("lists nothing as without a word that knative/ does not have", () => {
  const settings = DEPLOYED.flatMap((name) => Object.keys(settingsOf(inKnative(name))));
  expect(Object.keys(WITHOUT_A_WORD).filter((setting) => !settings.includes(setting))).toEqual([]);
});

it("stops func deploy of the gateway with a sentence, before it changes the cluster", () => {
  const { run } = readFunctionYaml("websocket-gateway");
  // func takes such a value from the environment of whoever deploys: "required local environment variable … is not set".
  const names = (run?.envs ?? []).map(({ value }) => /^\{\{ env:(\w+) \}\}$/.exec(value)?.[1]);
  expect(names).toEqual(["NO_func_deploy_HERE_the_gateway_is_a_StatefulSet_so_kubectl_apply_it"]);
  expect(process.env).not.toHaveProperty(String(names[0]));
  const others = DEPLOYED.map((name) => readText(`functions/${name}/func.yaml`)).join("\n");
  expect(others).not.toContain("{{ env:");
});

/** func's own marks, and where Dapr is off what else is said of it means nothing. */
const FUNCS_OWN =
  /^(annotation (dapr\.io|function\.knative\.dev)\/|label (boson\.dev|function\.knative\.dev)\/|env (BUILT|ADDRESS)$)/;

/** What a Service says, one entry a setting; numbers as numbers, however they are written. */
function settingsOf(service: Resource): Record<string, unknown> {
  const [container] = containersOf(service);
  const template = at(service.spec, "template");
  const { containers: _, ...pod } = at(template, "spec") as Record<string, unknown>;
  const { env, livenessProbe, readinessProbe, image, ...rest } = container as Record<
    string,
    unknown
  >;
  const entries: [string, unknown][] = [
    ...Object.entries(textsAt(template, "metadata", "annotations")).map(
      ([key, value]): [string, unknown] => [`annotation ${key}`, asNumber(value)],
    ),
    ...Object.entries({ ...service.metadata.labels }).map(([key, value]): [string, unknown] => [
      `label ${key}`,
      value,
    ]),
    ...(env as { name: string }[]).map((it): [string, unknown] => [`env ${it.name}`, it]),
    ...Object.entries(pod).map(([key, value]): [string, unknown] => [`spec.${key}`, value]),
    ...Object.entries(rest).map(([key, value]): [string, unknown] => [`container.${key}`, value]),
    ["liveness", at(livenessProbe, "httpGet", "path")],
    ["readiness", at(readinessProbe, "httpGet", "path")],
    ["image", image],
  ];
  return Object.fromEntries(entries.filter(([setting]) => !FUNCS_OWN.test(setting)));
}

const asNumber = (text: string): string | number =>
  Number.isNaN(Number(text)) ? text : Number(text);
