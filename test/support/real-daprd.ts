/** A daprd of a test's own that publishes to a Kafka. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RealServer, startServer } from "../../local/real/server.ts";
import { portsFor } from "./port.ts";
import { realParts } from "./real.ts";

export interface RealDaprd extends RealServer {
  /** `POST /v1.0/publish/kafka-pubsub/<topic>` under it. */
  readonly url: string;
}

const component = (broker: string): string => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: kafka-pubsub
spec:
  type: pubsub.kafka
  version: v1
  metadata:
    - name: brokers
      value: ${broker}
    - name: authType
      value: none
    - name: disableTls
      value: "true"
`;

export async function startPublisher(folder: string, broker: string): Promise<RealDaprd> {
  const resources = join(folder, "resources");
  mkdirSync(resources, { recursive: true });
  writeFileSync(join(resources, "kafka-pubsub.yaml"), component(broker));
  const { port, grpc, internal } = await portsFor(["port", "grpc", "internal"]);
  const flags = {
    "app-id": "publisher",
    "resources-path": resources,
    "dapr-http-port": String(port),
    "dapr-grpc-port": String(grpc),
    "dapr-internal-grpc-port": String(internal),
    "dapr-listen-addresses": "127.0.0.1",
    "dapr-internal-grpc-listen-address": "127.0.0.1",
    "enable-metrics": "false",
    "dapr-graceful-shutdown-seconds": "2",
  };
  const server = await startServer({
    name: "daprd",
    program: realParts.daprd.path ?? "",
    args: Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    cwd: folder,
    logPath: join(folder, "daprd.log"),
    readyLine: "dapr initialized. Status: Running.",
    stopSignal: "SIGTERM",
  });
  return Object.assign(server, { url: `http://127.0.0.1:${String(port)}` });
}
