/** A Redis of our own on 127.0.0.1, its data in a folder. What it answered OK is there after a kill -9. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stablePort } from "../process/replica/free-port.ts";
import { findProgram } from "./command.ts";
import { type RealServer, startServer } from "./server.ts";

export interface RedisOptions {
  dataDir: string;
  /** Default: one that is free and stays it. */
  port?: number;
  password?: string;
  program: string;
}

export interface RealRedis extends RealServer {
  readonly address: string;
  readonly url: string;
}

export const findRedis = (): string | undefined =>
  findProgram("redis-server") ?? findProgram("valkey-server");

export async function startRealRedis(options: RedisOptions): Promise<RealRedis> {
  const { dataDir, password, program } = options;
  mkdirSync(dataDir, { recursive: true });
  const port = options.port ?? (await stablePort());
  const settings = join(dataDir, "redis.conf");
  writeFileSync(settings, toSettings({ dataDir, port, password }), { mode: 0o600 });
  const server = await startServer({
    name: "Redis",
    program,
    args: [settings],
    cwd: dataDir,
    logPath: join(dataDir, "redis.log"),
    readyLine: "Ready to accept connections",
    stopSignal: "SIGTERM",
  });
  const address = `127.0.0.1:${String(port)}`;
  const user = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
  return Object.assign(server, { address, url: `redis://${user}${address}` });
}

interface Settings {
  dataDir: string;
  port: number;
  password: string | undefined;
}

const toSettings = ({ dataDir, port, password }: Settings): string =>
  [
    `port ${String(port)}`,
    "bind 127.0.0.1",
    `dir ${JSON.stringify(dataDir)}`,
    'save ""',
    "appendonly yes",
    "appendfsync always",
    ...(password === undefined ? [] : [`requirepass ${JSON.stringify(password)}`]),
    "",
  ].join("\n");
