/** A function's own part of PostgreSQL: one schema, one role, few connections. */
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from "kysely";
import { Pool, type QueryResult, types } from "pg";
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
  /** For few statements that are run often, by one process: each connection parses and plans them once. */
  readonly isPrepared?: boolean;
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
  const connections = options.isPrepared === true ? withPrepared(pool) : pool;
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: connections }) });
  return { db, pool, [Symbol.asyncDispose]: () => db.destroy() };
}

/** A connection keeps each of them: texts that are made anew for each call are not prepared. */
const maxStatements = 100;

/** Names each text, so that PostgreSQL keeps what it has made of it. */
function withPrepared(pool: Pool): PostgresPool {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size === maxStatements) return known;
    const name = `statement_${names.size + 1}`;
    names.set(text, name);
    return name;
  };
  return {
    connect: async () => {
      const client = await pool.connect();
      const query = (text: string, values: readonly unknown[] = []): Promise<QueryResult> => {
        // BEGIN and COMMIT need no plan, and go in one message as they are.
        const name = values.length === 0 ? undefined : nameOf(text);
        return client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
      };
      return {
        // Kysely's type has an overload for cursors, by which it would only stream.
        query: query as unknown as PostgresPoolClient["query"],
        release: () => client.release(),
      };
    },
    end: () => pool.end(),
    options: pool.options,
  };
}
