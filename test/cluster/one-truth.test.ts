/** A value that has to stand in more than one place is the same in all: code, YAML, the READMEs' tables, the Dockerfile. */
import { globSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readEnv } from "../../functions/recurring-task/env.ts";
import { readGatewayEnv } from "../../functions/websocket-gateway/env.ts";
import { readHostEnv } from "../../lib/host/env.ts";
import { KAFKA_SECURITY_VARIABLES } from "../../lib/kafka/env.ts";
import { readPorts } from "../../local/address.ts";
import { readFunctionYaml } from "./function-yaml.ts";
import {
  at,
  containersOf,
  isKnativeService,
  listAt,
  parseResources,
  readBase,
  readText,
  ROOT,
  textAt,
} from "./resource.ts";
import { PROGRAMS, variablesOf } from "./rule/variable.ts";

const base = readBase();
const functions = Object.keys(PROGRAMS);
/** Those that somebody calls, whatever Knative or Kubernetes makes of them. */
const serving = base.filter(
  (it) =>
    isKnativeService(it) || (it.kind === "StatefulSet" && functions.includes(it.metadata.name)),
);

const readBy = (name: string): Set<string> =>
  variablesOf(Object.values(PROGRAMS[name] ?? {}).flat());

interface Row {
  readonly names: string[];
  readonly cells: string[];
}

/** The rows of a table of variables, each with the names of its first cell. */
const rowsOf = (markdown: string): Row[] =>
  markdown
    .split("\n")
    .filter((line) => /^\| *`[A-Z_]+`/.test(line))
    .map((line) => {
      const [first = "", ...cells] = line.split("|").slice(1, -1);
      const names = [...first.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name ?? "");
      return { names, cells: [first, ...cells].map((cell) => cell.trim()) };
    });

const rows = rowsOf(readText("README.md"));

describe("the README's table of variables", () => {
  /** `audit-log's verify` → audit-log; `the same` → as in the row above. */
  const readersIn = (cell: string, above: readonly string[]): string[] => {
    if (cell === "all" || cell.startsWith("the three functions")) {
      return functions.filter((name) => cell === "all" || name !== "websocket-gateway");
    }
    if (cell.startsWith("the same")) return [...above];
    return functions.filter((name) => cell.includes(name.replace("websocket-", "")));
  };

  it("names who reads each", () => {
    let above: string[] = [];
    for (const { names, cells } of rows) {
      above = readersIn(cells[1] ?? "", above);
      for (const name of names) {
        const readers = functions.filter((it) => readBy(it).has(name));
        expect({ name, readers }).toEqual({ name, readers: above });
      }
    }
  });

  it.each([...numbersOf(["lib/host/env.ts", "functions/*/env.ts"])])(
    "has what %s is where it is not set",
    (name, value) => {
      const meanings = [
        rows,
        ...functions.map((it) => rowsOf(readText(`functions/${it}/README.md`))),
      ]
        .flatMap((table) => table.filter(({ names }) => names.includes(name)))
        .map(({ cells }) => cells.join(" "));
      expect(meanings.filter((text) => /\d/.test(text))).not.toEqual([]);
      for (const text of meanings.filter((it) => /\d/.test(it))) expect(text).toContain(value);
    },
  );
});

/** The defaults of whole numbers, as a person writes them. */
function numbersOf(files: string[]): Map<string, string> {
  const found = globSync(files, { cwd: ROOT }).flatMap((file) => [
    ...readText(file).matchAll(/integer\("([A-Z_]+)", ([\d_]+)( \* mebibyte)?,/g),
  ]);
  return new Map(
    found
      .filter(([, name]) => !UNTOLD.has(name ?? ""))
      .map(([, name = "", digits = "", unit]) => [
        name,
        digits.replaceAll("_", "") + (unit === undefined ? "" : " MiB"),
      ]),
  );
}

/** Given by the YAML in every case. */
const UNTOLD = new Set(["DAPR_HTTP_PORT"]);

describe.each(functions.filter((name) => name !== "websocket-gateway"))("%s's README", (name) => {
  it("has each variable of its own, and no other", () => {
    const host = variablesOf([readHostEnv]);
    const shared = new Set<string>([...host, ...KAFKA_SECURITY_VARIABLES, "JWKS_URL"]);
    const told = rowsOf(readText(`functions/${name}/README.md`)).flatMap(({ names }) => names);
    const own = [...readBy(name)].filter((it) => !shared.has(it) || told.includes(it));
    expect(told.toSorted()).toEqual(own.toSorted());
  });
});

describe("ports", () => {
  const { port, metricsPort } = readHostEnv({});

  it("of the containers are those that the code listens on", () => {
    const ports = serving.flatMap((it) =>
      containersOf(it).flatMap((container) =>
        listAt(container, "ports").map((found) => at(found, "containerPort")),
      ),
    );
    expect(ports).toEqual(serving.map(() => port));
    const [service] = base.filter((it) => it.kind === "Service" && !isKnativeService(it));
    expect(listAt(service?.spec, "ports").map((found) => at(found, "targetPort"))).toEqual([port]);
    const [sidecar] = serving.filter(({ kind }) => kind === "StatefulSet");
    const annotations = at(sidecar?.spec, "template", "metadata", "annotations");
    expect(textAt(annotations, "dapr.io/app-port")).toBe(String(port));
  });

  it("of the images and of the policies are the same", () => {
    expect(readText("Dockerfile")).toContain(`\nEXPOSE ${port} ${metricsPort}\n`);
    const allowed = (file: string): unknown[] =>
      parseResources(readText(`knative/production/network/network-policy-${file}.yaml`)).flatMap(
        ({ spec }) =>
          listAt(spec, "ingress").flatMap((rule) =>
            listAt(rule, "ports").map((it) => at(it, "port")),
          ),
      );
    expect(allowed("gateway")).toEqual([port]);
    expect(allowed("metrics")).toContain(metricsPort);
    expect(rows.find(({ names }) => names.includes("PORT"))?.cells.at(-1)).toContain(
      `(${port}, any, ${metricsPort})`,
    );
  });

  it("of a local run are those of the README", () => {
    const { services, broker, console } = readPorts(functions, {});
    const readme = readText("README.md");
    for (const local of [broker, console, ...Object.values(services)]) {
      expect(readme).toContain(`:${local}`);
    }
  });
});

describe("the gateway's func.yaml and its StatefulSet", () => {
  const { deploy } = readFunctionYaml("websocket-gateway");
  const [gateway] = serving.filter(({ kind }) => kind === "StatefulSet");
  const [container] = gateway === undefined ? [] : containersOf(gateway);

  it("say the same, as far as func has words for it", () => {
    expect(at(container, "resources")).toEqual(deploy.options?.resources);
    expect(at(container, "readinessProbe", "httpGet", "path")).toBe(
      deploy.healthEndpoints?.readiness,
    );
    expect(at(container, "livenessProbe", "httpGet", "path")).toBe(
      deploy.healthEndpoints?.liveness,
    );
    const labels = (deploy.labels ?? []).map(({ key, value }) => [key, value]);
    expect(Object.fromEntries(labels)).toMatchObject(gateway?.metadata.labels ?? {});
  });
});

it("a ping ends before Serving cuts it off", () => {
  const service = serving.find(({ metadata }) => metadata.name === "recurring-task");
  const { pingBudgetMs } = readEnv({
    DATABASE_URL: "postgres://recurring@localhost/x",
    BROKER_URL: "http://localhost/",
    JWT_SECRET: "a secret of at least thirty-two bytes",
  });
  const seconds = Number(at(service?.spec, "template", "spec", "timeoutSeconds"));
  expect(pingBudgetMs / 1000).toBeLessThan(seconds);
});

it("a gateway has closed its connections and ended its events before it is killed", () => {
  const [gateway] = serving.filter(({ kind }) => kind === "StatefulSet");
  const [ours] = parseResources(
    readText("knative/production/gateway/stateful-set-websocket-gateway.yaml"),
  );
  const [container] = ours === undefined ? [] : containersOf(ours);
  const { drainMs } = readHostEnv({});
  const key = "a key of a test of at least thirty-two bytes";
  const { drainSpreadMs } = readGatewayEnv({
    KAFKA_BROKER: "kafka:9092",
    KAFKA_TOPIC: "task-events",
    POD_NAME: "gateway-0",
    AUDIT_LOG_URL: "http://audit-log/",
    JWT_SECRET: key,
    CURSOR_KEYS: key,
    SERVICE_TOKEN_KEY: key,
  });
  const preStop = Number(at(container, "lifecycle", "preStop", "sleep", "seconds"));
  const needed = preStop + (drainSpreadMs + drainMs) / 1000;
  const given = Number(at(gateway?.spec, "template", "spec", "terminationGracePeriodSeconds"));
  expect(needed).toBeLessThan(given);
  const annotations = at(ours?.spec, "template", "metadata", "annotations");
  // Its sidecar hands it events as long as it drains.
  expect(Number(textAt(annotations, "dapr.io/graceful-shutdown-seconds"))).toBeLessThan(given);
});
