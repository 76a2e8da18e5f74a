/** What the functions find in the database: it, its roles and its schemas, made where they are missing. */
import { escapeIdentifier as name, escapeLiteral, type Client } from "pg";
import type { PostgresOptions } from "./postgres.ts";

type Provision = Pick<PostgresOptions, "database" | "roles" | "schemas">;

/** As a user that may make roles and databases, in any database. Roles get their password at every start: the secrets may be new. */
export async function provisionRoles(client: Client, options: Provision): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>("SELECT rolname FROM pg_roles");
  const existing = new Set(rows.map(({ rolname }) => rolname));
  for (const role of options.roles) {
    const verb = existing.has(role.name) ? "ALTER" : "CREATE";
    const password = escapeLiteral(role.password);
    await client.query(`${verb} ROLE ${name(role.name)} LOGIN PASSWORD ${password}`);
  }
  const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [
    options.database,
  ]);
  if (found.rowCount === 0) await client.query(`CREATE DATABASE ${name(options.database)}`);
}

/** As the same user, in the database of the functions. Each role sees its own schema first and nothing of the others. */
export async function provisionSchemas(client: Client, options: Provision): Promise<void> {
  const database = name(options.database);
  const statements = options.roles.map(
    (role) => `GRANT CONNECT ON DATABASE ${database} TO ${name(role.name)}`,
  );
  for (const { name: schema, owner, usage } of options.schemas) {
    statements.push(
      // A superuser needs no membership to make something for another; the owner of a database does.
      `GRANT ${name(owner)} TO CURRENT_USER`,
      `CREATE SCHEMA IF NOT EXISTS ${name(schema)} AUTHORIZATION ${name(owner)}`,
      ...usage.map((role) => `GRANT USAGE ON SCHEMA ${name(schema)} TO ${name(role)}`),
      ...[owner, ...usage].map(
        (role) =>
          `ALTER ROLE ${name(role)} IN DATABASE ${database} SET search_path = ${name(schema)}`,
      ),
    );
  }
  await client.query(statements.join(";\n"));
}
