/** The variables that the gateway reads. */
import { readTokenEnv, type TokenEnv } from "../../lib/host/env.ts";
import { type Environment, readVariables } from "../../lib/host/variables.ts";
import { type KafkaEnv, readKafkaEnv } from "../../lib/kafka/env.ts";

export interface GatewayEnv {
  readonly kafka: KafkaEnv;
  readonly kafkaTopic: string;
  /** Consumer group of this replica: what the pubsub component makes of `{podName}`. */
  readonly podName: string;
  readonly auditLogUrl: string;
  readonly daprHttpPort: number;
  /** Sent to the sidecar, where it asks for one. */
  readonly daprApiToken: string | undefined;
  /** Asked of the sidecar and of whoever POSTs an event, where set. */
  readonly appApiToken: string | undefined;
  readonly token: TokenEnv;
  /** The first signs, all verify. */
  readonly cursorKeys: readonly string[];
  readonly serviceTokenKey: string;
  readonly allowedOrigins: readonly string[];
  readonly maxPeersPerUser: number;
  readonly maxConnectionsPerMinute: number;
  readonly ringEvents: number;
  readonly ringBytes: number;
  readonly queueFrames: number;
  readonly queueBytes: number;
  readonly heartbeatMs: number;
  /** Over this span peers are closed on SIGTERM. */
  readonly drainSpreadMs: number;
}

const mebibyte = 1024 * 1024;

export function readGatewayEnv(env: Environment = process.env): GatewayEnv {
  const read = readVariables(env);
  const values: GatewayEnv = {
    kafka: readKafkaEnv(read),
    kafkaTopic: read.required("KAFKA_TOPIC", "the topic of task events"),
    podName: read.required("POD_NAME", "this replica's name, which is its consumer group"),
    auditLogUrl: read.url("AUDIT_LOG_URL", ["http:", "https:"], "where history is read"),
    daprHttpPort: read.integer("DAPR_HTTP_PORT", 3500, 1, 65_535),
    daprApiToken: read.optional("DAPR_API_TOKEN"),
    appApiToken: read.optional("APP_API_TOKEN"),
    token: readTokenEnv(read),
    cursorKeys: list(read.required("CURSOR_KEYS", "keys that sign cursors, the first signs")),
    serviceTokenKey: read.required("SERVICE_TOKEN_KEY", "signs the tokens for audit-log"),
    allowedOrigins: list(read.optional("ALLOWED_ORIGINS") ?? "").map((origin) =>
      origin.toLowerCase(),
    ),
    maxPeersPerUser: read.integer("MAX_PEERS_PER_USER", 100, 1, 1_000_000),
    maxConnectionsPerMinute: read.integer("MAX_CONNECTIONS_PER_MINUTE", 300, 1, 1_000_000),
    ringEvents: read.integer("RING_EVENTS", 10_000, 100, 10_000_000),
    ringBytes: read.integer("RING_BYTES", 64 * mebibyte, mebibyte, 1024 * mebibyte),
    queueFrames: read.integer("QUEUE_FRAMES", 5_000, 10, 1_000_000),
    queueBytes: read.integer("QUEUE_BYTES", 2 * mebibyte, 64 * 1024, 1024 * mebibyte),
    heartbeatMs: read.integer("HEARTBEAT_MS", 25_000, 100, 600_000),
    drainSpreadMs: read.integer("DRAIN_SPREAD_MS", 3_000, 0, 60_000),
  };
  checkKeys(values, read.mistake);
  checkOrigins(values.allowedOrigins, read.mistake);
  read.check();
  return values;
}

const list = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);

function checkKeys(env: GatewayEnv, mistake: (sentence: string) => void): void {
  if (env.cursorKeys.some((key) => Buffer.byteLength(key) < 32)) {
    mistake("Each key of CURSOR_KEYS (separated by commas) must have at least 32 bytes.");
  }
  if (env.serviceTokenKey !== "" && Buffer.byteLength(env.serviceTokenKey) < 32) {
    mistake("SERVICE_TOKEN_KEY must have at least 32 bytes (RFC 7518, section 3.2).");
  }
}

function checkOrigins(origins: readonly string[], mistake: (sentence: string) => void): void {
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      mistake(`ALLOWED_ORIGINS has "${origin}", which is no origin such as https://app.example.`);
    }
  }
}
