/** A function's own part of PostgreSQL: one schema, one role, few connections. */
import { Kysely, PostgresDialect } from "kysely";
import { Pool, types } from "pg";
import type { Logger } from "pino";

export interface StoreOptions {
  readonly url: string;
  /** The schema that unqualified names mean. */
  readonly schema: string;
  /** Connections at most: max-scale × this must fit the server's max_connections. */
  readonly maxConnections: number;
  /** By the server; the client gives up a little later, so that a server that hangs holds up nobody. */
  readonly statementTimeoutMs?: number;
  /** Server settings of each connection. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log?: Logger;
}

export interface Store<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>;
  readonly pool: Pool;
}

/** bigint as a number: offsets and counts here stay below 2^53. */
types.setTypeParser(types.builtins.INT8, Number);

/** Connects with the first query, so that a function starts while the server is down. */
export function openStore<Tables>(options: StoreOptions): Store<Tables> {
  const { statementTimeoutMs = 20_000, settings = {} } = options;
  const flags = Object.entries({ search_path: options.schema, ...settings });
  const pool = new Pool({
    connectionString: options.url,
    max: options.maxConnections,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 2_000,
    options: flags.map(([name, value]) => `-c ${name}=${value}`).join(" "),
  });
  // Without listeners a connection that breaks, idle or in use, would end the process; who uses it is told by its query.
  const broke = (error: Error): void => options.log?.warn({ err: error }, "a connection broke");
  pool.on("error", broke);
  pool.on("connect", (client) => client.on("error", broke));
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, [Symbol.asyncDispose]: () => db.destroy() };
}
