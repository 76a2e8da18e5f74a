/** The database of the functions: the embedded PostgreSQL, or the one of DATABASE_URL. */
import { Client } from "pg";
import { UsageError } from "../../../lib/host/error.ts";
import { startPostgres } from "../../part/postgres.ts";
import { provisionRoles, provisionSchemas } from "../../part/postgres-role.ts";
import type { Note } from "../../process/note/note.ts";
import { type Environment, ownerOf, SCHEMAS } from "../../secret.ts";

export interface Database extends AsyncDisposable {
  /** The URL of a role of the functions. */
  urlOf: (role: string) => string;
}

export interface DatabaseOptions {
  stateDir: string;
  env: Environment;
  keys: (name: string) => string;
  note: Note;
}

const DATABASE = "task_events";

export function openDatabase(options: DatabaseOptions): Promise<Database> {
  const url = options.env["DATABASE_URL"];
  return url ? useDatabase(url, options) : startEmbedded(options);
}

async function startEmbedded({ stateDir, keys, note }: DatabaseOptions): Promise<Database> {
  const postgres = await startPostgres({
    stateDir,
    port: 0,
    database: DATABASE,
    superuserPassword: keys("postgres"),
    ...rolesAndSchemas(keys),
    note,
  });
  return {
    urlOf: (role) => postgres.url({ name: role, password: keys(`role-${role}`) }),
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}

/** Makes roles and schemas there, so its user must be allowed to. */
async function useDatabase(url: string, { keys }: DatabaseOptions): Promise<Database> {
  if (!URL.canParse(url) || !/^postgres(?:ql)?:$/.test(new URL(url).protocol)) {
    throw new UsageError("DATABASE_URL must be a URL that starts with postgres://.");
  }
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  let client: Client | undefined;
  try {
    // Reads the files of `sslrootcert` and the like.
    client = new Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    const provision = { database, ...rolesAndSchemas(keys) };
    await provisionRoles(client, provision);
    await provisionSchemas(client, provision);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`The database of DATABASE_URL cannot be prepared: ${reason}`);
  } finally {
    await client?.end();
  }
  return {
    urlOf: (role) => withUser(url, role, keys(`role-${role}`)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function withUser(url: string, user: string, password: string): string {
  const own = new URL(url);
  own.username = encodeURIComponent(user);
  own.password = encodeURIComponent(password);
  return own.href;
}

function rolesAndSchemas(keys: (name: string) => string) {
  const schemas = Object.values(SCHEMAS).map((schema) => ({
    name: schema,
    owner: ownerOf(schema),
    usage: [schema],
  }));
  const names = schemas.flatMap(({ name, owner }) => [name, owner]);
  const roles = names.map((name) => ({ name, password: keys(`role-${name}`) }));
  return { roles, schemas };
}
