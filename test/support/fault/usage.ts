/** What a running flow holds: processes, open files, connections at PostgreSQL. Linux. */
import { readdirSync, readFileSync } from "node:fs";
import { Client } from "pg";

export interface Usage {
  readonly processes: number;
  readonly files: number;
  readonly connections: number;
}

/** Of the runner itself; `processes` are all below it. */
export async function usageOf(pid: number, databaseUrl: string): Promise<Usage> {
  return {
    processes: descendantsOf(pid).length,
    files: readdirSync(`/proc/${pid}/fd`).length,
    connections: await countConnections(databaseUrl),
  };
}

export function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

function childrenOf(pid: number): number[] {
  try {
    // A process started by any thread is listed under that thread.
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
        .split(" ")
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    return [];
  }
}

/** Of the functions. */
export async function countConnections(databaseUrl: string): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(
      `select count(*) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()
         and backend_type = 'client backend'`,
    );
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}
