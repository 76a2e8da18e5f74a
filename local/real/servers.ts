/** Kafka, PostgreSQL and Redis for one run of the flow, and the variables by which the runner takes them. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../lib/host/error.ts";
import { type Environment, openKeys } from "../secret.ts";
import { startAll } from "../start/all.ts";
import type { FoundParts } from "./install.ts";
import { type RealKafka, startRealKafka } from "./kafka/kafka.ts";
import type { PartName } from "./part.ts";
import { type RealPostgres, startRealPostgres } from "./postgres.ts";
import { type RealRedis, startRealRedis } from "./redis.ts";

export interface ServersOptions {
  parts: FoundParts;
  /** Each has a folder in it, kept between runs. */
  dataDir: string;
  /** A server that it names is not started. */
  env: Environment;
  kafkaPort?: number;
}

export interface RealServers extends AsyncDisposable {
  /** Undefined where the environment names another. */
  readonly kafka: RealKafka | undefined;
  readonly postgres: RealPostgres | undefined;
  readonly redis: RealRedis | undefined;
  /** KAFKA_BROKER, DATABASE_URL, REDIS_URL, DAPRD: what the runner asks for. */
  readonly variables: Readonly<Record<string, string>>;
}

const DATABASE = "task_events";

export async function startServers(options: ServersOptions): Promise<RealServers> {
  const { env, parts, dataDir } = options;
  mkdirSync(dataDir, { recursive: true });
  const daprd = env["DAPRD"] || pathOf(parts, "daprd");
  await using starting = new AsyncDisposableStack();
  const kafka = env["KAFKA_BROKER"] ? undefined : startKafka(options);
  const postgres = env["DATABASE_URL"] ? undefined : startPostgres(options);
  const redis = env["REDIS_URL"] ? undefined : startRedis(options);
  const starts: (Promise<AsyncDisposable> | undefined)[] = [kafka, postgres, redis];
  await startAll(
    starting,
    starts.filter((start) => start !== undefined),
  );
  const servers = { kafka: await kafka, postgres: await postgres, redis: await redis };
  const variables = {
    KAFKA_BROKER: servers.kafka?.address ?? env["KAFKA_BROKER"] ?? "",
    DATABASE_URL: servers.postgres?.url ?? env["DATABASE_URL"] ?? "",
    REDIS_URL: servers.redis?.url ?? env["REDIS_URL"] ?? "",
    DAPRD: daprd,
  };
  const running = starting.move();
  return { ...servers, variables, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function startKafka({ parts, dataDir, kafkaPort }: ServersOptions): Promise<RealKafka> {
  return startRealKafka({
    jars: pathOf(parts, "kafka"),
    dataDir: join(dataDir, "kafka"),
    ...(kafkaPort === undefined ? {} : { port: kafkaPort }),
  });
}

function startPostgres({ parts, dataDir }: ServersOptions): Promise<RealPostgres> {
  pathOf(parts, "postgres");
  const password = openKeys(dataDir)("postgres");
  return startRealPostgres({ dataDir: join(dataDir, "postgres"), password, database: DATABASE });
}

function startRedis({ parts, dataDir }: ServersOptions): Promise<RealRedis> {
  return startRealRedis({ program: pathOf(parts, "redis"), dataDir: join(dataDir, "redis") });
}

function pathOf(parts: FoundParts, name: PartName): string {
  const { title, path, advice } = parts[name];
  if (path === undefined) throw new UsageError(`${title} is missing: ${advice}.`);
  return path;
}
