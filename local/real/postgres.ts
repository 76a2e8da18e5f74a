/** A PostgreSQL of our own on 127.0.0.1: Debian's where the machine has it, else the one that npm brings. */
import { join } from "node:path";
import { type Client, escapeIdentifier } from "pg";
import { asSuperuser } from "../part/postgres-connection.ts";
import { initCluster, postmasterArgs } from "../part/postmaster.ts";
import { preparePostgresHome } from "../part/postgres-home.ts";
import { stablePort } from "../process/replica/free-port.ts";
import { systemPostgres } from "./install/postgres.ts";
import { type RealServer, startServer } from "./server.ts";

export interface PostgresOptions {
  dataDir: string;
  /** Default: one that is free and stays it. */
  port?: number;
  /** Of its superuser `postgres`. A cluster that is there keeps the one it was made with. */
  password: string;
  /** Made where it is missing. */
  database: string;
}

export interface RealPostgres extends RealServer {
  /** As superuser. */
  readonly url: string;
}

export async function startRealPostgres(options: PostgresOptions): Promise<RealPostgres> {
  const { dataDir, password, database } = options;
  const port = options.port ?? (await stablePort());
  const home = { ...(await preparePostgresHome(dataDir)), ...systemPostgres() };
  await initCluster(home, password);
  const server = await startServer({
    name: "PostgreSQL",
    program: home.postgres,
    args: postmasterArgs(home, port),
    env: { LC_ALL: "C", TZ: "UTC" },
    runAs: home.runAs,
    cwd: "/",
    logPath: join(dataDir, "postgres.log"),
    readyLine: "ready to accept connections",
    // Connections are cut, transactions rolled back.
    stopSignal: "SIGINT",
  });
  await asSuperuser({ port, password }, "postgres", (client) => makeDatabase(client, database));
  const credentials = `postgres:${encodeURIComponent(password)}`;
  const url = `postgres://${credentials}@127.0.0.1:${String(port)}/${database}`;
  return Object.assign(server, { url });
}

async function makeDatabase(client: Client, name: string): Promise<void> {
  const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
  if (found.rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
}
