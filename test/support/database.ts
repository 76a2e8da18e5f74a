/** A database of its own on a server: cloned from a template that is migrated once, with the roles that production has. */
import { createHash, randomBytes } from "node:crypto";
import { Client } from "pg";
import { migrate, type Migrations } from "../../lib/store/migrate.ts";

export interface Database extends AsyncDisposable {
  readonly name: string;
  /** As the runtime role, named as the schema. */
  readonly url: string;
  /** As the role that owns the schema and migrates it. */
  readonly ownerUrl: string;
  /** As superuser, to look and to break things. */
  readonly adminUrl: string;
  /** As another role: that of another schema, or `monitor`. */
  readonly urlOf: (role: string) => string;
}

/** `serverUrl` is the superuser's. The first schema's roles are the ones of `url` and `ownerUrl`. */
export async function makeDatabase(
  serverUrl: string,
  migrations: Migrations,
  ...others: readonly Migrations[]
): Promise<Database> {
  const { schema } = migrations;
  const all = [migrations, ...others];
  const steps = all.flatMap((it) => [it.schema, ...Object.keys(it.steps)]);
  const template = `template_${schema}_${digest(steps.join())}`;
  const name = `test_${schema}_${randomBytes(6).toString("hex")}`;
  await withAdmin(serverUrl, async (admin) => {
    // Roles and templates are the server's: two test files must not make them at once.
    await admin.query("select pg_advisory_lock(1)");
    await makeTemplate(admin, serverUrl, template, all);
    await admin.query(`create database ${name} template ${template}`);
  });
  const adminUrl = urlOf(serverUrl, name);
  return {
    name,
    url: urlOf(serverUrl, name, schema),
    ownerUrl: urlOf(serverUrl, name, `${schema}_owner`),
    adminUrl,
    urlOf: (role) => urlOf(serverUrl, name, role),
    [Symbol.asyncDispose]: () =>
      withAdmin(serverUrl, (admin) => admin.query(`drop database ${name} with (force)`)),
  };
}

const digest = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 12);

function urlOf(serverUrl: string, database: string, role?: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  if (role !== undefined) {
    url.username = role;
    url.password = passwordOf(role);
  }
  return url.href;
}

const passwordOf = (role: string): string => `${role}-password`;

export async function withAdmin(
  url: string,
  work: (admin: Client) => Promise<unknown>,
): Promise<void> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

async function makeTemplate(
  admin: Client,
  serverUrl: string,
  template: string,
  all: readonly Migrations[],
): Promise<void> {
  const { rowCount } = await admin.query("select from pg_database where datname = $1", [template]);
  if (rowCount !== 0) return;
  await makeRole(admin, "monitor");
  const draft = `draft_${template}`;
  await admin.query(`drop database if exists ${draft} with (force)`);
  await admin.query(`create database ${draft}`);
  for (const migrations of all) {
    const { schema } = migrations;
    const owner = `${schema}_owner`;
    for (const role of [schema, owner]) await makeRole(admin, role);
    await withAdmin(urlOf(serverUrl, draft), (client) =>
      client.query(`create schema ${schema} authorization ${owner}`),
    );
    await migrate(migrations, { DATABASE_URL: urlOf(serverUrl, draft, owner) });
  }
  await admin.query(`alter database ${draft} rename to ${template}`);
}

async function makeRole(admin: Client, role: string): Promise<void> {
  const { rowCount } = await admin.query("select from pg_roles where rolname = $1", [role]);
  if (rowCount === 0) {
    await admin.query(`create role ${role} login password '${passwordOf(role)}'`);
  }
}
