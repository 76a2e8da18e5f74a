/** A PostgreSQL of our own on 127.0.0.1: Debian's where the machine has it, else the one that npm brings. */
import { join } from "node:path";
import { initCluster, postmasterArgs } from "../part/postmaster.ts";
import { preparePostgresHome } from "../part/postgres-home.ts";
import { stablePort } from "../process/free-port.ts";
import { systemPostgres } from "./install/postgres.ts";
import { type RealServer, startServer } from "./server.ts";

export interface PostgresOptions {
  dataDir: string;
  /** Default: one that is free and stays it. */
  port?: number;
  /** Of its superuser `postgres`. A cluster that is there keeps the one it was made with. */
  password: string;
}

export interface RealPostgres extends RealServer {
  /** As superuser, of the database `postgres`. */
  readonly url: string;
}

export async function startRealPostgres(options: PostgresOptions): Promise<RealPostgres> {
  const { dataDir, password } = options;
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
  const credentials = `postgres:${encodeURIComponent(password)}`;
  const url = `postgres://${credentials}@127.0.0.1:${String(port)}/postgres`;
  return Object.assign(server, { url });
}
