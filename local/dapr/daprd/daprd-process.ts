/** One process of daprd: everything that it listens on is on 127.0.0.1, and no secret is among its arguments. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepLog } from "../../process/note/function-log.ts";
import type { Note } from "../../process/note/note.ts";
import { recordProcess } from "../../process/replica/orphan.ts";
import { guardProcess } from "../../real/guard.ts";
import type { DaprdOptions, DaprdPorts } from "./daprd.ts";

export interface DaprdProcess {
  readonly pid: number;
  /** How it ended, as a part of a sentence. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

/** What is in flight may be acknowledged for so long. */
const GRACE_SECONDS = 3;
const KILL_MS = 8_000;
const LOOPBACK = "127.0.0.1";
/** Said at each start of a daprd without a control plane. */
const KNOWN = /mTLS is disabled|increasedCardinality|Actor runtime disabled|Scheduler disabled/;

/**
 * Beside the Configuration of the YAML: daprd would listen for mDNS on all addresses, and nobody is looked for here, as
 * the gateway asks by URL.
 */
const toLocalConfiguration = (database: string): string => `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: local
spec:
  nameResolution:
    component: sqlite
    version: v1
    configuration:
      connectionString: ${JSON.stringify(database)}
`;

export async function spawnDaprd(options: DaprdOptions, ports: DaprdPorts): Promise<DaprdProcess> {
  const { program, stateDir, podName, note } = options;
  const folder = join(stateDir, "dapr");
  mkdirSync(folder, { recursive: true });
  const local = join(folder, "local.yaml");
  writeFileSync(local, toLocalConfiguration(join(folder, "names.db")));
  const child = spawn(program, toArguments(options, ports, local), {
    cwd: stateDir,
    env: toEnvironment(options),
    stdio: ["ignore", "pipe", "pipe"],
    // In a session of its own: Ctrl-C reaches the runner alone, which then stops in order.
    detached: true,
  });
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  ended.catch(() => undefined);
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const guard = guardProcess(pid, "SIGTERM");
  const record = recordProcess(stateDir, pid, program);
  const { stdout, stderr } = child;
  const log = keepLog({
    stateDir,
    name: `${podName}-daprd`,
    note: withoutKnown(note),
    stdout,
    stderr,
  });
  const exited = ended.then(([code, signal]) => {
    guard[Symbol.dispose]();
    record[Symbol.dispose]();
    const how = `ended with ${signal ?? `exit code ${String(code)}`}`;
    const last = log.errorLines();
    return last === "" ? how : `${how}: ${last}`;
  });
  return { pid, exited, stop: () => stop(child, exited) };
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_MS);
  await exited;
  clearTimeout(timer);
}

const withoutKnown =
  (note: Note): Note =>
  (subject, line, level) => {
    if (!KNOWN.test(line)) note(subject, line, level);
  };

function toArguments(
  { appId, resources, config }: DaprdOptions,
  ports: DaprdPorts,
  local: string,
): string[] {
  const flags: Record<string, string | number> = {
    "app-id": appId,
    "app-port": ports.app,
    "app-protocol": "http",
    "app-channel-address": LOOPBACK,
    "dapr-listen-addresses": LOOPBACK,
    "dapr-http-port": ports.http,
    "dapr-grpc-port": ports.grpc,
    "dapr-internal-grpc-listen-address": LOOPBACK,
    "dapr-internal-grpc-port": ports.internal,
    "metrics-listen-address": LOOPBACK,
    "metrics-port": ports.metrics,
    "dapr-graceful-shutdown-seconds": GRACE_SECONDS,
  };
  const named = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const configs = [...(config === undefined ? [] : [config]), local];
  return [
    ...named,
    ...configs.flatMap((path) => ["--config", path]),
    ...resources.flatMap((path) => ["--resources-path", path]),
    "--log-as-json",
  ];
}

/** Nothing of the runner's own environment: it has the passwords of other parts. */
function toEnvironment(options: DaprdOptions): Record<string, string> {
  const { env, namespace, podName, apiToken, appApiToken } = options;
  const { PATH = "", HOME = "" } = process.env;
  return {
    PATH,
    HOME,
    ...env,
    NAMESPACE: namespace,
    POD_NAME: podName,
    DAPR_API_TOKEN: apiToken,
    APP_API_TOKEN: appApiToken,
  };
}
