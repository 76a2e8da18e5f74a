/** A PostgreSQL of a person's own in place of the embedded one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Postgres, startPostgres } from "../../../../local/part/postgres.ts";
import { openKeys } from "../../../../local/secret.ts";
import { openDatabase } from "../../../../local/start/server/database.ts";

const folder = mkdtempSync(join(tmpdir(), "database "));
const note = () => undefined;
let server: Postgres;

beforeAll(async () => {
  server = await startPostgres({
    stateDir: join(folder, "theirs"),
    port: 0,
    database: "somewhere",
    superuserPassword: "secret",
    roles: [],
    schemas: [],
    note,
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const open = (url: string) =>
  openDatabase({
    stateDir: join(folder, "ours"),
    env: { DATABASE_URL: url },
    keys: openKeys(folder),
    note,
  });

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

it("gets the roles and schemas of the functions, and again at the next start", async () => {
  const url = server.url({ name: "postgres", password: "secret" });
  await open(url);
  const { urlOf } = await open(url);
  await query(urlOf("audit_owner"), "create table audit.entries (id int)");
  const rows = await query(urlOf("audit"), "select current_user, current_database()");
  expect(rows).toEqual([{ current_user: "audit", current_database: "somewhere" }]);
  await expect(query(urlOf("audit"), "create table audit.other (id int)")).rejects.toThrow(
    "permission denied",
  );
  await expect(query(urlOf("notification"), "select from audit.entries")).rejects.toThrow(
    "permission denied",
  );
});

it("is refused with a sentence where nothing answers, which does not repeat the password", async () => {
  const refused = open("postgres://u:hunter2@127.0.0.1:1/x").catch((error: unknown) => error);
  const { name, message } = (await refused) as Error;
  expect(name).toBe("UsageError");
  expect(message).toContain("The database of DATABASE_URL cannot be prepared");
  expect(message).not.toContain("hunter2");
  await expect(open("mysql://x")).rejects.toThrow("must be a URL that starts with postgres://");
});

it("is refused with a sentence where the certificate to check it with is not there", async () => {
  const url = `${server.url({ name: "postgres", password: "secret" })}?sslmode=verify-full&sslrootcert=/none.pem`;
  const { name, message } = await open(url).then(
    () => new Error("it was opened"),
    (error: unknown) => error as Error,
  );
  expect([name, message]).toEqual([
    "UsageError",
    "The database of DATABASE_URL cannot be prepared: ENOENT: no such file or directory, open '/none.pem'",
  ]);
});
