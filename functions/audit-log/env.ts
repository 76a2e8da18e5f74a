/** The variables of the audit log and of its Jobs. */
import { readTokenEnv, type TokenEnv } from "../../lib/host/env.ts";
import { type Environment, readVariables } from "../../lib/host/variables.ts";
import { type KafkaEnv, readKafkaEnv } from "../../lib/kafka/env.ts";

type Reader = ReturnType<typeof readVariables>;

const databaseUrl = (read: Reader, name: string, meaning: string): string =>
  read.url(name, ["postgres:", "postgresql:"], meaning);

const topicOf = (read: Reader): string =>
  read.required("KAFKA_TOPIC", "the topic whose records are the entries");

export interface AuditEnv {
  readonly databaseUrl: string;
  readonly topic: string;
  readonly token: TokenEnv;
  /** Signs the gateway's questions for history. */
  readonly serviceTokenKey: string;
}

export function readAuditEnv(env: Environment = process.env): AuditEnv {
  const read = readVariables(env);
  const values = {
    databaseUrl: databaseUrl(read, "DATABASE_URL", "the connection of the role audit"),
    topic: topicOf(read),
    token: readTokenEnv(read),
    serviceTokenKey: read.required("SERVICE_TOKEN_KEY", "the key that gateway and audit-log share"),
  };
  if (values.serviceTokenKey !== "" && Buffer.byteLength(values.serviceTokenKey) < 32) {
    read.mistake("SERVICE_TOKEN_KEY must have at least 32 bytes (RFC 7518, section 3.2).");
  }
  read.check();
  return values;
}

export interface TopicsEnv {
  readonly databaseUrl: string;
  readonly kafka: KafkaEnv;
  /** The first one has the events. */
  readonly topics: readonly [string, ...string[]];
  readonly partitions: number;
  readonly replicationFactor: number;
  /** The number of the generation that ends: its topic is deleted and made again. 0: none. */
  readonly remakeGeneration: number;
  readonly logLevel: string;
}

export function readTopicsEnv(env: Environment = process.env): TopicsEnv {
  const read = readVariables(env);
  const names = read.required("TOPICS", "the topics to make, the one of the events first");
  const [first = "", ...others] = names.trim().split(/\s+/);
  const values: TopicsEnv = {
    databaseUrl: databaseUrl(read, "DATABASE_URL", "the connection of the role audit"),
    kafka: readKafkaEnv(read),
    topics: [first, ...others],
    partitions: read.integer("PARTITIONS", 12, 1, 10_000),
    replicationFactor: read.integer("REPLICATION_FACTOR", 1, 1, 100),
    remakeGeneration: read.integer("REMAKE_GENERATION", 0, 0, 1_000_000),
    logLevel: read.optional("LOG_LEVEL") ?? "info",
  };
  read.check();
  return values;
}

export interface VerifyEnv {
  readonly databaseUrl: string;
  /** Of the role that owns the tables: it makes the partitions of the coming months. */
  readonly maintenanceUrl: string;
  readonly kafka: KafkaEnv;
  readonly topic: string;
  readonly logLevel: string;
}

export function readVerifyEnv(env: Environment = process.env): VerifyEnv {
  const read = readVariables(env);
  const values = {
    databaseUrl: databaseUrl(read, "DATABASE_URL", "the connection of the role audit"),
    maintenanceUrl: databaseUrl(
      read,
      "MAINTENANCE_DATABASE_URL",
      "the connection of the role audit_owner, which makes the partitions of coming months",
    ),
    kafka: readKafkaEnv(read),
    topic: topicOf(read),
    logLevel: read.optional("LOG_LEVEL") ?? "info",
  };
  read.check();
  return values;
}

export interface SchemasEnv {
  /** Undefined: there is no registry, and nothing to do. */
  readonly registryUrl: string | undefined;
  readonly topic: string;
  readonly logLevel: string;
}

export function readSchemasEnv(env: Environment = process.env): SchemasEnv {
  const read = readVariables(env);
  const values = {
    registryUrl: read.optionalUrl("SCHEMA_REGISTRY_URL", ["http:", "https:"]),
    topic: topicOf(read),
    logLevel: read.optional("LOG_LEVEL") ?? "info",
  };
  read.check();
  return values;
}
