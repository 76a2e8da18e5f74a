/** The embedded PostgreSQL: a real server of its own, on 127.0.0.1, kept between runs. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isPortFree, stablePort } from "../process/replica/free-port.ts";
import type { Note } from "../process/note/note.ts";
import { asSuperuser, waitUntilReady } from "./postgres-connection.ts";
import { preparePostgresHome, type PostgresHome } from "./postgres-home.ts";
import { provisionRoles, provisionSchemas } from "./postgres-role.ts";
import { endPostmaster, initCluster, spawnPostmaster, stopPostmaster } from "./postmaster.ts";

export interface PostgresRole {
  name: string;
  password: string;
}

export interface PostgresOptions {
  stateDir: string;
  /** 0: a free one, chosen once and kept in the state folder. */
  port: number;
  database: string;
  superuserPassword: string;
  roles: readonly PostgresRole[];
  /** Each made where it is missing, owned by a role of `roles`. `usage`: who may use it. */
  schemas: readonly { name: string; owner: string; usage: readonly string[] }[];
  note: Note;
}

export interface Postgres extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Of the server process now: another one after a crash. */
  readonly pid: number | undefined;
  readonly dataDir: string;
  /** `postgres://role:password@127.0.0.1:port/database` */
  url(role: PostgresRole): string;
}

const RESTART_MS = 200;
const MAX_RESTART_MS = 5_000;
/** Who ran for so long did start. */
const HEALTHY_MS = 3_000;

/** Rejects with EADDRINUSE where a given port is taken. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const home = await preparePostgresHome(options.stateDir);
  await initCluster(home, options.superuserPassword);
  const server = new PostgresServer(home, await choosePort(options), options);
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/** Keeps it running: a killed postmaster does not come back by itself. */
class PostgresServer implements Postgres {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly dataDir: string;
  readonly #home: PostgresHome;
  readonly #options: PostgresOptions;
  #child: ChildProcess;
  readonly #stopping = new AbortController();
  #watch: Promise<void> = Promise.resolve();

  constructor(home: PostgresHome, port: number, options: PostgresOptions) {
    this.#home = home;
    this.port = port;
    this.dataDir = home.dataDir;
    this.#options = options;
    this.#child = this.#spawn();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  url({ name, password }: PostgresRole): string {
    const credentials = `${encodeURIComponent(name)}:${encodeURIComponent(password)}`;
    return `postgres://${credentials}@${this.host}:${String(this.port)}/${this.#options.database}`;
  }

  async start(): Promise<void> {
    const { database, superuserPassword: password } = this.#options;
    const superuser = { port: this.port, password };
    try {
      await waitUntilReady(superuser, () => hasEnded(this.#child));
    } catch (cause) {
      const where = logPath(this.#options.stateDir);
      throw new Error(`PostgreSQL does not start (more in ${where}): ${String(cause)}`, { cause });
    }
    await asSuperuser(superuser, "postgres", (client) => provisionRoles(client, this.#options));
    await asSuperuser(superuser, database, (client) => provisionSchemas(client, this.#options));
    this.#watch = this.#restartWhenEnded().catch((error: unknown) => {
      this.#options.note("postgres", `cannot be started again: ${String(error)}`, "error");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await stopPostmaster(this.#child);
    await this.#watch;
  }

  #spawn(): ChildProcess {
    const child = spawnPostmaster(this.#home, this.port, logPath(this.#options.stateDir));
    child.on("error", (error) => this.#options.note("postgres", error.message, "error"));
    return child;
  }

  async #restartWhenEnded(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      if (!hasEnded(this.#child)) await once(this.#child, "exit");
      if (signal.aborted) return;
      failures = performance.now() - startedAt > HEALTHY_MS ? 1 : failures + 1;
      const waitMs = Math.min(RESTART_MS * 2 ** (failures - 1), MAX_RESTART_MS);
      this.#tellEnd(failures, waitMs);
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      await endPostmaster(this.dataDir);
      // Stopped meanwhile: what is started now would be nobody's.
      if (!signal.aborted) this.#child = this.#spawn();
    }
  }

  #tellEnd(failures: number, waitMs: number): void {
    const { note, stateDir } = this.#options;
    const again = `does not stay up; started again in ${String(waitMs / 1_000)} s (more in ${logPath(stateDir)})`;
    note("postgres", failures === 1 ? "ended unexpectedly; started again" : again, "error");
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

function logPath(stateDir: string): string {
  mkdirSync(join(stateDir, "log"), { recursive: true });
  return join(stateDir, "log", "postgres.log");
}

async function choosePort({ stateDir, port }: PostgresOptions): Promise<number> {
  if (port !== 0) {
    if (await isPortFree(port)) return port;
    throw Object.assign(new Error(`port ${String(port)} is taken`), { code: "EADDRINUSE", port });
  }
  const kept = join(stateDir, "postgres-port");
  const before = existsSync(kept) ? Number(readFileSync(kept, "utf8")) : 0;
  if (before > 0 && (await isPortFree(before))) return before;
  const chosen = await stablePort();
  writeFileSync(kept, String(chosen));
  return chosen;
}
