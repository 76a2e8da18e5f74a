/** Kills what a runner started, at random moments of a schedule that its seed replays. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

/** The processes of the runner's functions, and the embedded PostgreSQL's own. */
export function pidsOf(runner: Runner, what: string): number[] {
  if (what === "postgres") {
    const port = readFileSync(join(runner.stateDir, "postgres-port"), "utf8").trim();
    return readdirSync("/proc")
      .filter(
        (pid) => /^\d+$/.test(pid) && new RegExp(`bin/postgres .*${port}`).test(commandLine(pid)),
      )
      .map(Number);
  }
  return readdirSync(join(runner.stateDir, "run"))
    .filter((pid) => commandLine(pid).includes(`functions/${what}/`))
    .map(Number);
}

/** kill -9; false where nothing of that name runs at the moment. */
export function killHard(runner: Runner, what: string): boolean {
  const pids = pidsOf(runner, what);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  return pids.length > 0;
}
