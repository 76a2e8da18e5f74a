/** `make forward`: the functions, the gateway, the Broker and Kafka of a cluster at the addresses that `make start` has. */
import { once } from "node:events";
import { UsageError } from "../../lib/host/error.ts";
import { readPorts } from "../address.ts";
import { openHostProxy } from "./host-proxy.ts";
import { startPortForward } from "./port-forward.ts";
import { requireCluster } from "./require-cluster.ts";

const NAMESPACE = "default";
/** They sleep: reached through the ingress for cluster-local Services, which wakes them. */
const FUNCTIONS = ["notification", "recurring-task", "audit-log"] as const;
const GATEWAY = "websocket-gateway";

export interface ForwardOptions {
  env: Readonly<Record<string, string | undefined>>;
  say: (text: string) => void;
  restartMs?: number;
}

export async function startForward(options: ForwardOptions): Promise<AsyncDisposable> {
  const { env, say, restartMs } = options;
  const context = contextOf(env);
  const ports = readPorts([...FUNCTIONS, GATEWAY], env);
  await using parts = new AsyncDisposableStack();
  const forward = (namespace: string, resource: string, localPort: number, remotePort: number) =>
    parts.use(
      startPortForward({ context, namespace, resource, localPort, remotePort }, say, restartMs),
    );
  const portOf = (name: string) => ports.services[name] ?? 0;

  const ingress = forward("kourier-system", "service/kourier-internal", 0, 80);
  forward(NAMESPACE, `service/${GATEWAY}`, portOf(GATEWAY), 80);
  forward("knative-eventing", "service/kafka-broker-ingress", ports.broker, 80);
  // The listener that tells clients outside to come to localhost.
  forward(NAMESPACE, "service/kafka", ports.kafka, 19_092);
  for (const name of FUNCTIONS) {
    const host = `${name}.${NAMESPACE}.svc.cluster.local`;
    parts.use(await openHostProxy({ port: portOf(name), host, ingress: () => ingress.port() }));
    say(`http://localhost:${String(portOf(name))}  ${name}`);
  }
  say(`ws://localhost:${String(portOf(GATEWAY))}/ws  ${GATEWAY}`);
  say(`http://localhost:${String(ports.broker)}/${NAMESPACE}/task-events  the Broker`);
  say(`localhost:${String(ports.kafka)}  Kafka`);
  return parts.move();
}

const contextOf = (env: ForwardOptions["env"]): string => env["MINIKUBE_PROFILE"] ?? "knative";

if (import.meta.main) {
  try {
    await requireCluster(contextOf(process.env));
    await using _ = await startForward({ env: process.env, say: (text) => console.log(text) });
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  } catch (error) {
    const isTaken = (error as { code?: unknown }).code === "EADDRINUSE";
    const advice =
      "Does make start run? Or move the port: AUDIT_LOG_PORT, BROKER_PORT, KAFKA_PORT …";
    if (isTaken) console.error(`${String(error)}. ${advice}`);
    else console.error(error instanceof UsageError ? error.message : error);
    process.exitCode = 2;
  }
}
