/** The sidecar of a pod: the runner's own, or the daprd of DAPRD. */
import { randomBytes } from "node:crypto";
import { accessSync, constants, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../../../lib/host/error.ts";
import type { Ports } from "../../address.ts";
import { startDaprd } from "../../dapr/daprd/daprd.ts";
import { toDaprEnv } from "../../dapr/daprd/daprd-env.ts";
import { startSidecar } from "../../dapr/sidecar.ts";
import type { Plan } from "../../plan.ts";
import { resolveEnv } from "../../plan/process.ts";
import type { SidecarPlan } from "../../plan/sidecar.ts";
import type { Note } from "../../process/note/note.ts";
import type { PodSidecar } from "../../process/stateful-set.ts";
import type { Environment } from "../../secret.ts";
import type { CommandOptions } from "../command.ts";
import type { Servers } from "./part.ts";

export interface SidecarsOptions {
  plan: Plan;
  ports: Ports;
  command: CommandOptions;
  servers: Servers;
  root: string;
  note: Note;
}

/** Undefined without DAPRD: one that is merely installed changes nobody's run. */
export function readDaprd(env: Environment, { redis }: Servers): string | undefined {
  const given = env["DAPRD"];
  if (!given) return undefined;
  const program = resolve(given);
  if (!isProgram(program)) throw new UsageError(`DAPRD is ${program}, which is no program.`);
  if (redis === undefined) {
    throw new UsageError("DAPRD needs REDIS_URL: daprd keeps its state in a Redis.");
  }
  return program;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function startPodSidecar(
  options: SidecarsOptions,
  sidecar: SidecarPlan,
  podName: string,
  appPort: () => number | undefined,
): Promise<PodSidecar> {
  const { command, servers, root, note } = options;
  const { secrets, stateDir } = command;
  const env = {
    ...resolveEnv(sidecar.env, { secrets, podName }),
    ...toDaprEnv(servers.kafka, servers.redis),
  };
  const pod = { podName, namespace: "default", stateDir, note, env };
  const { DAPR_API_TOKEN: apiToken, APP_API_TOKEN: appApiToken } = command.env;
  const program = readDaprd(command.env, servers);
  if (program === undefined) {
    const tokens = { ...(apiToken ? { apiToken } : {}), ...(appApiToken ? { appApiToken } : {}) };
    return startOwn(options, sidecar, { ...pod, ...tokens, appPort });
  }
  return startDaprd({
    ...pod,
    appId: sidecar.appId,
    program,
    apiToken: apiToken || newToken(),
    appApiToken: appApiToken || newToken(),
    resources: sidecar.resources.map((folder) => join(root, folder)),
    config: sidecar.config && join(root, sidecar.config),
  });
}

const newToken = (): string => randomBytes(32).toString("base64url");

interface OwnPod {
  podName: string;
  namespace: string;
  stateDir: string;
  note: Note;
  apiToken?: string;
  appApiToken?: string;
  env: Readonly<Record<string, string>>;
  appPort: () => number | undefined;
}

function startOwn(
  { plan, ports, command }: SidecarsOptions,
  sidecar: SidecarPlan,
  { env, ...pod }: OwnPod,
): Promise<PodSidecar> {
  const services = plan.statefulSets.filter((it) => it.sidecar !== undefined);
  const { secrets } = command;
  const { appId, components, subscriptions, inbound, outbound } = sidecar;
  return startSidecar({
    ...pod,
    appId,
    subscriptions,
    inbound,
    outbound,
    components: components.map(({ name, type, metadata }) => ({
      name,
      type,
      metadata: resolveMetadata(metadata, env, (planned) =>
        resolveEnv(planned, { secrets, podName: pod.podName }),
      ),
    })),
    port: 0,
    // The plan has replaced the cluster's names already.
    resolveUrl: (url) => url,
    appUrl: (id) => {
      const found = services.find((it) => it.sidecar?.appId === id);
      const port = found && ports.services[found.service];
      return port === undefined ? undefined : `http://127.0.0.1:${String(port)}`;
    },
  });
}

type Metadata = SidecarPlan["components"][number]["metadata"];

/** As Dapr does: a variable that is not there is an empty text. */
function resolveMetadata(
  metadata: Metadata,
  env: Readonly<Record<string, string>>,
  resolvePlanned: (planned: SidecarPlan["env"]) => Record<string, string>,
): Record<string, string> {
  const values = Object.entries(metadata).map(([name, value]) => {
    if (typeof value === "object" && "envRef" in value) return [name, env[value.envRef] ?? ""];
    return [name, resolvePlanned({ [name]: value })[name] ?? ""];
  });
  return Object.fromEntries(values) as Record<string, string>;
}
