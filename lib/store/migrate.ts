/** Migrations: a Job's work, never a cold start's. Each function lists its own, oldest first. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { readMigrateEnv } from "./env.ts";
import type { Environment } from "../host/variables.ts";
import { openStore } from "./database.ts";
import { sqlStateOf } from "./failure.ts";

export interface Migrations {
  /** The schema, and the name of the runtime role that may use it. */
  readonly schema: string;
  /** Keys sort by age: `0001-entries`. */
  readonly steps: Readonly<Record<string, Migration>>;
}

/** Brings the schema up to date with the owner's role of `DATABASE_URL`; safe to run twice and by two at once. */
export async function migrate(
  migrations: Migrations,
  env?: Environment,
): Promise<readonly string[]> {
  const { url } = readMigrateEnv(env);
  // A function that only asks whether its schema is behind never loads the migrator.
  const { Migrator } = await import("kysely/migration");
  await using store = openStore<unknown>({
    url,
    schema: migrations.schema,
    maxConnections: 2,
    // An index over a large table takes its time.
    statementTimeoutMs: 600_000,
  });
  const { error, results = [] } = await new Migrator({
    db: store.db,
    provider: { getMigrations: async () => ({ ...migrations.steps }) },
    migrationTableSchema: migrations.schema,
  }).migrateToLatest();
  if (error !== undefined) throw new Error("a migration failed", { cause: error });
  await grantReading(store.db, migrations.schema);
  await grantMonitoring(store.db, migrations.schema);
  return results
    .filter((result) => result.status === "Success")
    .map((result) => result.migrationName);
}

/** The runtime role may see what was applied: a function whose schema is behind is not ready. */
async function grantReading(db: Kysely<unknown>, schema: string): Promise<void> {
  const role = sql.id(schema);
  await sql`grant usage on schema ${sql.id(schema)} to ${role}`.execute(db);
  await sql`grant select on ${sql.id(schema, "kysely_migration")} to ${role}`.execute(db);
}

/** Reads the figures of the exporter of metrics, where somebody made it: the view `backlog` of each schema, nothing else. */
const monitor = "monitor";

/** With each migration again: the role may be younger than the schema. */
async function grantMonitoring(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql`select from pg_roles, pg_views
    where rolname = ${monitor} and schemaname = ${schema} and viewname = 'backlog'`.execute(db);
  if (rows.length === 0) return;
  await sql`grant usage on schema ${sql.id(schema)} to ${sql.id(monitor)}`.execute(db);
  await sql`grant select on ${sql.id(schema, "backlog")} to ${sql.id(monitor)}`.execute(db);
}

/** No such schema, no such table, or no right to see it: nothing was migrated yet. */
const unmigrated = new Set(["3F000", "42P01", "42501"]);

/** Null where every step is applied, else a sentence. */
export async function schemaBehind<Tables>(
  db: Kysely<Tables>,
  { schema, steps }: Migrations,
): Promise<string | null> {
  const newest = Object.keys(steps).sort().at(-1);
  const table = sql.id(schema, "kysely_migration");
  try {
    const { rows } = await sql`select from ${table} where name = ${newest}`.execute(db);
    if (rows.length > 0) return null;
  } catch (error) {
    if (!unmigrated.has(sqlStateOf(error) ?? "")) throw error;
  }
  return `the schema ${schema} lacks migration ${newest}: run make migrate`;
}
