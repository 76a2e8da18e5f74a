/** The state of the gateway's sidecar: a file of the runner, or the Redis of REDIS_URL. */
import { UsageError } from "../../../lib/host/error.ts";
import type { Environment } from "../../secret.ts";

export interface Redis {
  /** `host:port` */
  host: string;
  username: string;
  password: string;
  database: string;
  tls: boolean;
}

const FORM = "REDIS_URL must be redis[s]://[user:password@]host:port[/db].";
const LIMIT_MS = 3_000;

/** Undefined without REDIS_URL. The URL is not repeated in an error: it may have a password. */
export function readRedis(env: Environment): Redis | undefined {
  const text = env["REDIS_URL"];
  if (!text) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = url?.pathname.replace(/^\//, "") || "0";
  const isRedis = url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== "";
  if (!isRedis || !/^\d{1,5}$/.test(database)) throw new UsageError(FORM);
  return {
    host: `${url.hostname}:${url.port || "6379"}`,
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    tls: url.protocol === "rediss:",
  };
}

/** Throws a UsageError. */
export async function requireRedis({ host, username, password, database, tls }: Redis) {
  const { hostname, port } = new URL(`redis://${host}`);
  const socket = {
    host: hostname,
    port: Number(port),
    connectTimeout: LIMIT_MS,
    reconnectStrategy: false as const,
  };
  // Late: a start without Redis need not wait for its client.
  const { createClient } = await import("@redis/client");
  const client = createClient({
    socket: tls ? { ...socket, tls: true, rejectUnauthorized: false } : socket,
    database: Number(database),
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    throw new UsageError(sentenceOf(host, error));
  } finally {
    if (client.isOpen) client.destroy();
  }
}

function sentenceOf(host: string, error: unknown): string {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  if (/WRONGPASS|NOAUTH|invalid password|without any password/i.test(reason)) {
    return `Redis at ${host} does not let us in: the user and password of REDIS_URL must be those of a user there.`;
  }
  return `Redis at ${host} (REDIS_URL) cannot be reached: ${reason}.`;
}
