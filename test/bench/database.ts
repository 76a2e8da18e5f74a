/** A PostgreSQL of the bench's own, with databases as the functions find them: roles, schemas, their own migrations. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { startRealPostgres } from "../../local/real/postgres.ts";
import { openKeys, ownerOf, SCHEMAS } from "../../local/secret.ts";
import { openDatabase } from "../../local/start/server/database.ts";
import { bundleOf } from "./bundle.ts";

export interface BenchPostgres extends AsyncDisposable {
  /** Of the postmaster. */
  readonly pid: number;
  /** Migrated by the Job of this function, as its owner. */
  makeDatabase(functionName: string, name: string): Promise<BenchDatabase>;
}

export interface BenchDatabase {
  /** As the role of the function. */
  readonly url: string;
  /** As the role that owns its schema. */
  readonly ownerUrl: string;
  /** As superuser. */
  readonly adminUrl: string;
}

/** The machine's own PostgreSQL where it has one, with the settings of `make start-real`: commits are on disk. */
export async function startPostgres(): Promise<BenchPostgres> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "task-events-bench-"));
  starting.defer(() => rm(folder, { recursive: true, force: true }));
  // PostgreSQL's user passes: else its data would lie elsewhere, and stay.
  await chmod(folder, 0o711);
  const password = randomBytes(16).toString("hex");
  const server = starting.use(
    await startRealPostgres({ dataDir: folder, password, database: "bench" }),
  );
  const running = starting.move();
  return {
    pid: server.pid ?? 0,
    makeDatabase: async (functionName, name) => {
      await withClient(server.url, (admin) => admin.query(`create database ${name}`));
      const adminUrl = Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
      return migrated(functionName, adminUrl, folder);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function migrated(
  functionName: string,
  adminUrl: string,
  folder: string,
): Promise<BenchDatabase> {
  const database = await openDatabase({
    stateDir: folder,
    env: { DATABASE_URL: adminUrl },
    keys: openKeys(folder),
    note: () => undefined,
  });
  const schema = SCHEMAS[functionName];
  if (schema === undefined) throw new Error(`${functionName} has no schema`);
  const ownerUrl = database.urlOf(ownerOf(schema));
  await promisify(execFile)(process.execPath, [bundleOf(functionName, "migrate")], {
    env: { DATABASE_URL: ownerUrl },
  });
  return { url: database.urlOf(schema), ownerUrl, adminUrl };
}

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** For putting very many rows in, and for that alone: else it would wait for a checkpoint every few seconds. */
export async function filling(adminUrl: string, fill: () => Promise<unknown>): Promise<void> {
  const set = (statement: string): Promise<unknown> =>
    withClient(adminUrl, async (admin) => {
      await admin.query(`alter system ${statement}`);
      await admin.query("select pg_reload_conf()");
    });
  await set("set max_wal_size = '4GB'");
  await fill();
  await set("reset max_wal_size");
  await withClient(adminUrl, (admin) => admin.query("checkpoint"));
}
