/** A database of its own for a test file, migrated as the Job does it, on the server of the run. */
import { inject } from "vitest";
import type { Migrations } from "../../lib/store/migrate.ts";
import { type Database, makeDatabase, withAdmin } from "./database.ts";

export interface TestDatabase extends Database {
  /** Breaks every connection and refuses new ones until disposed. */
  outage(): Promise<AsyncDisposable>;
}

export async function startTestDatabase(
  migrations: Migrations,
  ...others: readonly Migrations[]
): Promise<TestDatabase> {
  const serverUrl = await startedServer();
  const database = await makeDatabase(serverUrl, migrations, ...others);
  return { ...database, outage: () => startOutage(serverUrl, database.name) };
}

async function startedServer(): Promise<string> {
  const response = await fetch(inject("postgresStarter"));
  if (!response.ok) throw new Error(await response.text());
  return response.text();
}

async function startOutage(serverUrl: string, name: string): Promise<AsyncDisposable> {
  await withAdmin(serverUrl, async (admin) => {
    await admin.query(`alter database ${name} allow_connections false`);
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [
      name,
    ]);
  });
  return {
    [Symbol.asyncDispose]: () =>
      withAdmin(serverUrl, (admin) => admin.query(`alter database ${name} allow_connections true`)),
  };
}
