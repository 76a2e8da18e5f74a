/** What goes wrong on purpose: processes that are killed or stand still; schedules are replayed by their seed. */
import { existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { sendSignal } from "../../local/real/server.ts";
import type { Runner } from "./runner.ts";

/** mulberry32: small, seeded, the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const commandLine = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
};

/** The processes of the runner's functions, its daprds, and the embedded PostgreSQL's own. */
export function pidsOf(runner: Runner, what: string): number[] {
  if (what === "postgres") {
    const port = readFileSync(join(runner.stateDir, "postgres-port"), "utf8").trim();
    return readdirSync("/proc")
      .filter(
        (pid) =>
          /^\d+$/.test(pid) &&
          new RegExp(`bin/postgres .*-p ${port}(?: |$)`).test(commandLine(pid)),
      )
      .map(Number);
  }
  const mark = what === "daprd" ? "--dapr-http-port" : `functions/${what}/`;
  return readdirSync(join(runner.stateDir, "run"))
    .filter((pid) => commandLine(pid).includes(mark))
    .map(Number);
}

/** kill -9; false where nothing of that name runs at the moment. */
export function killHard(runner: Runner, what: string): boolean {
  const pids = pidsOf(runner, what);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  return pids.length > 0;
}

/** kill -9: without their server, PostgreSQL's connections answer for a moment more. */
function killWithChildren(pid: number): void {
  for (const each of [pid, ...childrenOf(pid)]) sendSignal(each, "SIGKILL");
}

/** Kills PostgreSQL and keeps it from starting again, until what is returned is called. */
export function takePostgresAway(runner: Runner): () => void {
  const [pid = 0] = pidsOf(runner, "postgres");
  const dataDir = /-D (.*) -p \d+/.exec(commandLine(String(pid)))?.[1];
  if (dataDir === undefined) throw new Error("PostgreSQL does not run");
  // Without this file it refuses the folder.
  const [file, aside] = [join(dataDir, "PG_VERSION"), join(dataDir, "PG_VERSION.away")];
  renameSync(file, aside);
  killWithChildren(pid);
  return () => {
    if (existsSync(aside)) renameSync(aside, file);
  };
}

/** Stands still, as a machine that hangs: connections are neither answered nor refused. */
export function haltPostgres(runner: Runner): () => void {
  const postmasters = pidsOf(runner, "postgres");
  const pids = postmasters.flatMap((pid) => [pid, ...childrenOf(pid)]);
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return () => {
    for (const pid of pids) if (commandLine(String(pid)) !== "") process.kill(pid, "SIGCONT");
  };
}

const childrenOf = (parent: number): number[] =>
  readdirSync("/proc")
    .filter((pid) => parentOf(pid) === parent)
    .map(Number);

function parentOf(pid: string): number | undefined {
  try {
    // The command in parentheses may hold blanks itself.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
