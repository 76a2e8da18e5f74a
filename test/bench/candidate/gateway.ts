/** The gateway as `make build` bundles it, with the log, the sidecar and the audit log that it asks at its start. */
import { createServer } from "node:http";
import { join } from "node:path";
import { SignJWT } from "jose";
import { startSidecar } from "../../../local/dapr/sidecar.ts";
import { freePort } from "../../../local/process/replica/free-port.ts";
import { startKafka } from "../../../local/kafka/server.ts";
import { openKafka } from "../../../lib/kafka/client.ts";
import type { PeerCommand } from "../peer.ts";
import { oursOfImage } from "./ours.ts";

const secret = "a secret of the bench of 32 bytes or more";
const topic = "task-events";
const partitions = 12;
const podName = "websocket-gateway-0";
/** More than are delivered to one gateway. */
const recordsPerPartition = 300;

export interface GatewayCandidate extends PeerCommand, AsyncDisposable {
  readonly token: string;
  /** Puts what will be delivered into the topic, where a gateway looks; resolves with the first offset of each partition. */
  readonly fill: () => Promise<number>;
}

/** In this process; what the bench plays is the sidecar's deliveries. */
export async function prepareGateway(userId: string, folder: string): Promise<GatewayCandidate> {
  await using stack = new AsyncDisposableStack();
  const topics = [{ name: topic, partitions }];
  const kafka = stack.use(await startKafka({ dataDir: join(folder, "kafka"), port: 0, topics }));
  const auditLogUrl = await startAuditLog(stack);
  const port = await freePort();
  stack.use(
    await startSidecar({
      appId: "websocket-gateway",
      podName,
      namespace: "default",
      stateDir: join(folder, "state"),
      port,
      appPort: () => undefined,
      components: [{ name: "redis-state", type: "state.redis", metadata: {} }],
      subscriptions: [],
      inbound: {},
      outbound: {},
      resolveUrl: (url) => url,
      appUrl: () => undefined,
      note: () => undefined,
    }),
  );
  const command = await oursOfImage("websocket-gateway", {
    POD_NAME: podName,
    KAFKA_BROKER: kafka.address,
    KAFKA_TOPIC: topic,
    AUDIT_LOG_URL: auditLogUrl,
    DAPR_HTTP_PORT: String(port),
    JWT_SECRET: secret,
    CURSOR_KEYS: secret,
    SERVICE_TOKEN_KEY: secret,
    // As its YAML.
    NODE_OPTIONS: "--max-semi-space-size=4",
    // All clients of the bench are one user's.
    MAX_PEERS_PER_USER: "100000",
    MAX_CONNECTIONS_PER_MINUTE: "1000000",
  });
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime("2h")
    .sign(new TextEncoder().encode(secret));
  let filled = 0;
  const fill = async (): Promise<number> => {
    const first = filled;
    filled += recordsPerPartition;
    await fillTopic(kafka.address);
    return first;
  };
  const running = stack.move();
  return {
    ...command,
    token,
    fill,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function fillTopic(brokers: string): Promise<void> {
  const producer = openKafka({ brokers, clientId: "bench" }).producer();
  await producer.connect();
  const messages = Array.from({ length: partitions * recordsPerPartition }, (_, number) => ({
    partition: number % partitions,
    value: "delivered by the bench",
  }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

/** It is asked for the topic's generation, and has recorded nothing. */
async function startAuditLog(stack: AsyncDisposableStack): Promise<string> {
  const port = await freePort();
  const answer = JSON.stringify({ topic, generation: "1", covered: [] });
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json");
    response.end(answer);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}`;
}
