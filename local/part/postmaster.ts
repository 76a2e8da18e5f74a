/** PostgreSQL's server process: begun on an empty folder, started, ended; also one that a killed runner left behind. */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { commandLine } from "../process/replica/orphan.ts";
import type { PostgresHome } from "./postgres-home.ts";

/** PostgreSQL's fast and immediate shutdown; the second kills its own children after 5 s. */
const ENDINGS = [
  { signal: "SIGINT", afterMs: 0 },
  { signal: "SIGQUIT", afterMs: 10_000 },
  { signal: "SIGKILL", afterMs: 20_000 },
] as const;

/** Nothing of the runner's own environment: PGDATA, PGPORT and the like would change what runs. */
const ENV = { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC" };

/**
 * Only where the folder holds no cluster yet. Made beside it and moved when it is whole: whoever is killed meanwhile
 * leaves no half of one. Passwords are asked for over TCP; there is no Unix socket.
 */
export async function initCluster(home: PostgresHome, superuserPassword: string): Promise<void> {
  const { dataDir } = home;
  if (existsSync(join(dataDir, "PG_VERSION"))) return;
  removeUnfinished(dataDir);
  const making = mkdtempSync(dataDir + UNFINISHED);
  const passwordFile = `${making}-password`;
  writeFileSync(passwordFile, superuserPassword, { mode: 0o600 });
  const { uid, gid } = home.runAs;
  if (uid !== undefined && gid !== undefined) {
    for (const path of [making, passwordFile]) chownSync(path, uid, gid);
  }
  const args = [`--pgdata=${making}`, `--pwfile=${passwordFile}`, ...CLUSTER, ...localeOf(home)];
  try {
    await promisify(execFile)(home.initdb, args, { ...home.runAs, env: ENV, cwd: "/" });
  } finally {
    rmSync(passwordFile);
  }
  renameSync(making, dataDir);
}

const UNFINISHED = "-unfinished-";

const CLUSTER = [
  "--username=postgres",
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  // The same order of texts on every platform.
  "--locale=C",
  "--no-instructions",
];

const FIRST_WITH_BUILTIN_LOCALE = 17;

/** Upper and lower case of all letters, not of ASCII alone. */
function localeOf({ initdb }: PostgresHome): string[] {
  const version = execFileSync(initdb, ["--version"], { encoding: "utf8" });
  const major = Number.parseInt(/\d+/.exec(version)?.[0] ?? "", 10);
  if (major < FIRST_WITH_BUILTIN_LOCALE) {
    return process.platform === "linux" ? ["--lc-ctype=C.UTF-8"] : [];
  }
  return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
}

function removeUnfinished(dataDir: string): void {
  const folder = dirname(dataDir);
  const prefix = basename(dataDir) + UNFINISHED;
  for (const name of readdirSync(folder).filter((it) => it.startsWith(prefix))) {
    // An initdb that outlived its runner may still write there.
    rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  log_min_messages: "warning",
  jit: "off",
  // A laptop's disk: less log kept than a server would.
  max_wal_size: "256MB",
};

export function postmasterArgs({ dataDir }: PostgresHome, port: number): string[] {
  const settings = Object.entries(SETTINGS).map(([name, value]) => `--${name}=${value}`);
  return ["-D", dataDir, "-p", String(port), ...settings];
}

export function spawnPostmaster(home: PostgresHome, port: number, logPath: string): ChildProcess {
  // To a file, not a pipe: it goes on being written when the runner was killed.
  const log = openSync(logPath, "a");
  const child = spawn(home.postgres, postmasterArgs(home, port), {
    ...home.runAs,
    env: ENV,
    cwd: "/",
    stdio: ["ignore", log, log],
    // Ctrl-C is for the runner, which ends this last.
    detached: true,
  });
  closeSync(log);
  // A runner that ends at once (a second Ctrl-C, a bug) takes it along; only kill -9 leaves it behind.
  const endWithRunner = () => void child.kill("SIGINT");
  process.once("exit", endWithRunner);
  child.once("exit", () => process.off("exit", endWithRunner));
  return child;
}

/** Connections are cut, transactions rolled back. */
export async function stopPostmaster(child: ChildProcess): Promise<void> {
  await endInSteps(
    (signal) => child.kill(signal),
    () => child.exitCode !== null || child.signalCode !== null,
  );
}

/** Ends the postmaster of this folder that outlived its runner. A pid file without one (the machine went down) is removed. */
export async function endPostmaster(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(readFileSync(pidFile, "utf8"), 10);
  await endInSteps(
    (signal) => signalTo(pid, signal),
    () => !(pid > 0 && commandLine(pid).includes(dataDir)),
  );
  rmSync(pidFile, { force: true });
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function endInSteps(
  kill: (signal: NodeJS.Signals) => void,
  hasEnded: () => boolean,
): Promise<void> {
  const startedAt = performance.now();
  const endings = [...ENDINGS];
  while (!hasEnded()) {
    const [next] = endings;
    if (next !== undefined && performance.now() - startedAt >= next.afterMs) {
      endings.shift();
      kill(next.signal);
      // One that stands still (SIGSTOP) would hear nothing.
      kill("SIGCONT");
    }
    await delay(20);
  }
}
