/** make forward, with a kubectl that leads to servers of the test in place of a cluster. */
import { chmod, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startForward } from "../../../local/cluster/forward.ts";
import { type Folder, makeFolder } from "../../support/folder.ts";
import { portsFor } from "../../support/port.ts";

/** Answers as `kubectl port-forward` does: a server of its own, which says what it was asked for. */
const KUBECTL = `#!/usr/bin/env node
const args = process.argv.slice(2);
const [resource, ports] = args.slice(-2);
const [local, remote] = ports.split(":");
const server = require("node:http").createServer((req, res) => {
  if (req.url === "/pod-ends") process.exit(1);
  let body = "";
  req.on("data", (chunk) => (body += chunk)).on("end", () =>
    res.end(JSON.stringify({ host: req.headers.host, url: req.url, method: req.method, body, resource, remote, args })));
});
server.listen(Number(local || 0), "127.0.0.1", () =>
  console.log("Forwarding from 127.0.0.1:" + server.address().port + " -> 8081"));
`;

let folder: Folder;
let said: string[];
let env: Record<string, string>;
let running: AsyncDisposable | undefined;

beforeEach(async () => {
  folder = await makeFolder();
  await writeFile(join(folder.path, "kubectl"), KUBECTL);
  await chmod(join(folder.path, "kubectl"), 0o755);
  vi.stubEnv("PATH", `${folder.path}${delimiter}${process.env["PATH"] ?? ""}`);
  said = [];
  env = {};
  const services = ["NOTIFICATION", "RECURRING_TASK", "AUDIT_LOG", "WEBSOCKET_GATEWAY"];
  const ports = await portsFor([...services, "BROKER", "KAFKA"]);
  for (const [name, port] of Object.entries(ports)) env[`${name}_PORT`] = String(port);
});
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  running = undefined;
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

const start = async () =>
  (running = await startForward({ env, say: (text) => void said.push(text), restartMs: 20 }));

interface Seen {
  host: string;
  url: string;
  method: string;
  body: string;
  resource: string;
  remote: string;
  args: string[];
}

async function ask(variable: string, path = "/", init: RequestInit = {}): Promise<Seen> {
  const response = await fetch(`http://127.0.0.1:${env[variable] ?? ""}${path}`, init);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Seen;
}
const patiently = { timeout: 10_000, interval: 50 };

test("a function is reached through the ingress by its Host, with method, path and body", async () => {
  await start();
  const seen = await vi.waitFor(
    () => ask("AUDIT_LOG_PORT", "/entries?limit=1", { method: "POST", body: "event" }),
    patiently,
  );
  expect(seen).toMatchObject({
    host: "audit-log.default.svc.cluster.local",
    url: "/entries?limit=1",
    method: "POST",
    body: "event",
    resource: "service/kourier-internal",
  });
  expect(await ask("NOTIFICATION_PORT")).toMatchObject({
    host: "notification.default.svc.cluster.local",
  });
});

test("gateway, Broker and Kafka have the ports of make start, in the cluster of the profile alone", async () => {
  env["MINIKUBE_PROFILE"] = "mine";
  await start();
  const expected = {
    WEBSOCKET_GATEWAY_PORT: { resource: "service/websocket-gateway", remote: "80" },
    BROKER_PORT: { resource: "service/kafka-broker-ingress", remote: "80" },
    KAFKA_PORT: { resource: "service/kafka", remote: "19092" },
  };
  for (const [variable, seen] of Object.entries(expected)) {
    const { args, ...found } = await vi.waitFor(() => ask(variable), patiently);
    expect(found).toMatchObject(seen);
    expect(args.slice(0, 2)).toEqual(["--context", "mine"]);
  }
});

test("when a Pod ends, kubectl is started again, and until then the answer is a sentence", async () => {
  await start();
  await vi.waitFor(() => ask("AUDIT_LOG_PORT"), patiently);
  await expect(ask("AUDIT_LOG_PORT", "/pod-ends")).rejects.toThrow(/ingress did not answer/);
  await vi.waitFor(() => ask("AUDIT_LOG_PORT"), patiently);
});

test("where the ingress cannot be reached, kubectl's reason is said once", async () => {
  const script = "#!/bin/sh\necho 'error: no such service' >&2\nexit 1\n";
  await writeFile(join(folder.path, "kubectl"), script);
  await start();
  await vi.waitFor(
    () => expect(said).toContain("service/kourier-internal: error: no such service"),
    patiently,
  );
  await expect(ask("AUDIT_LOG_PORT")).rejects.toThrow(/ingress is not reached/);
  expect(said.filter((line) => line.startsWith("service/kourier-internal"))).toHaveLength(1);
});

test("a port that is taken ends the start", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await vi.waitFor(() => expect(taken.listening).toBe(true));
  env["AUDIT_LOG_PORT"] = String((taken.address() as AddressInfo).port);
  await expect(start()).rejects.toThrow(/EADDRINUSE/);
  taken.close();
});
