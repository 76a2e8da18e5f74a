/**
 * Where the embedded PostgreSQL lives and as whom it runs. Mostly in the state folder, as whoever started the runner;
 * but it refuses to run as root, and another user cannot pass a closed home: then in a folder of the machine's own.
 */
import { execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { UsageError } from "../../lib/host/error.ts";
import {
  copyBinary,
  installedBinary,
  nativeFolder,
  type PostgresBinary,
} from "./postgres-binary.ts";
import { endPostmaster } from "./postmaster.ts";

export interface PostgresHome extends PostgresBinary {
  dataDir: string;
  /** Whom to become; empty where the runner's own user will do. */
  runAs: { uid?: number; gid?: number };
}

export async function preparePostgresHome(folder: string): Promise<PostgresHome> {
  mkdirSync(folder, { recursive: true });
  // One spelling: a postmaster that still runs is known by its folder.
  const stateDir = realpathSync(folder);
  const binary = await installedBinary();
  if (process.getuid?.() !== 0) {
    return { ...binary, dataDir: await ownDataDir(stateDir, stateDir), runAs: {} };
  }
  const runAs = unprivilegedUser();
  const home = isReachable(stateDir) ? stateDir : await homeOutside(stateDir);
  const dataDir = await ownDataDir(home, stateDir);
  chownSync(dataDir, runAs.uid, runAs.gid);
  const near = isReachable(nativeFolder(binary)) ? binary : copyBinary(binary, machineFolder());
  return { ...near, dataDir, runAs };
}

/** initdb asks for the name of its user, so it must be one that the machine knows. */
function unprivilegedUser(): { uid: number; gid: number } {
  for (const name of ["postgres", "nobody"]) {
    const uid = idOf("-u", name);
    const gid = idOf("-g", name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new UsageError(
    "PostgreSQL refuses to run as root, and there is no user postgres or nobody: start as another user, or set DATABASE_URL",
  );
}

function idOf(flag: "-u" | "-g", name: string): number | undefined {
  try {
    const stdio: ("ignore" | "pipe")[] = ["ignore", "pipe", "ignore"];
    return Number(execFileSync("id", [flag, name], { stdio }));
  } catch {
    return undefined;
  }
}

/** Whether any user may pass to it. */
export function isReachable(path: string): boolean {
  for (let at = realpathSync(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** One a state folder, the same at every start; those of state folders that were removed since go with this one's start. */
async function homeOutside(stateDir: string): Promise<string> {
  const homes = openFolder(join(machineFolder(), "home"));
  for (const name of readdirSync(homes)) await removeAbandoned(join(homes, name));
  const name = createHash("sha256").update(stateDir).digest("hex").slice(0, 16);
  const home = openFolder(join(homes, name));
  writeFileSync(join(home, STATE_NAME), stateDir);
  return home;
}

const STATE_NAME = "state-folder";

async function removeAbandoned(home: string): Promise<void> {
  const name = join(home, STATE_NAME);
  // Without a name another runner is just making it.
  if (!existsSync(name) || existsSync(readFileSync(name, "utf8"))) return;
  await endPostmaster(join(home, "postgres"));
  rmSync(home, { recursive: true, force: true });
}

function machineFolder(): string {
  const base = ["/var/lib", "/var/db", "/opt", "/tmp"].find(
    (folder) => existsSync(folder) && isReachable(folder),
  );
  if (base === undefined) {
    throw new UsageError("no folder that PostgreSQL's user can reach: set DATABASE_URL");
  }
  return openFolder(join(base, "task-events"));
}

function openFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  // Under /tmp somebody else may have made it first.
  if (statSync(folder).uid !== 0)
    throw new UsageError(`${folder} belongs to another user: remove it`);
  chmodSync(folder, 0o755);
  return folder;
}

/** Data whose state folder was removed since (and with it the passwords) is discarded, wherever it lies. */
async function ownDataDir(home: string, stateDir: string): Promise<string> {
  const dataDir = join(home, "postgres");
  const [here, there] = [join(stateDir, "postgres-id"), join(home, "postgres-id")];
  await endPostmaster(dataDir);
  if (!existsSync(here) || !existsSync(there) || !readFileSync(here).equals(readFileSync(there))) {
    rmSync(dataDir, { recursive: true, force: true });
    const id = randomUUID();
    writeFileSync(there, id);
    writeFileSync(here, id);
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return dataDir;
}
