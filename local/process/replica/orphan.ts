/** Processes that outlived a killed runner: each is recorded while it runs and ended at the next start. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const ORPHAN_GRACE_MS = 3_000;

const recordsIn = (stateDir: string): string => join(stateDir, "run");

/** `marker` is a part of the command line, by which a process id that was given to another program is told apart. */
export function recordProcess(stateDir: string, pid: number, marker: string): Disposable {
  mkdirSync(recordsIn(stateDir), { recursive: true });
  const path = join(recordsIn(stateDir), String(pid));
  writeFileSync(path, marker);
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/** Ends what an earlier runner of this state folder left behind. Returns how many. */
export async function endOrphans(stateDir: string): Promise<number> {
  mkdirSync(recordsIn(stateDir), { recursive: true });
  const records = readdirSync(recordsIn(stateDir)).filter((name) => /^\d+$/.test(name));
  const ended = await Promise.all(
    records.map(async (name) => {
      const path = join(recordsIn(stateDir), name);
      const found = await endProcess(Number(name), readFileSync(path, "utf8"));
      rmSync(path, { force: true });
      return found;
    }),
  );
  return ended.filter(Boolean).length;
}

/** SIGTERM, then SIGKILL. False where no process of that id has the marker in its command line. */
export async function endProcess(pid: number, marker: string): Promise<boolean> {
  if (!commandLine(pid).includes(marker)) return false;
  signal(pid, "SIGTERM");
  const deadline = Date.now() + ORPHAN_GRACE_MS;
  while (commandLine(pid).includes(marker)) {
    if (Date.now() > deadline) signal(pid, "SIGKILL");
    await delay(20);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Empty where there is no such process. A zombie has none on Linux; `ps` marks it. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === "linux") {
      return readFileSync(`/proc/${String(pid)}/cmdline`, "utf8").replaceAll("\0", " ");
    }
    // Wide, or a Mac cuts the line at 79 characters.
    const args = ["-ww", "-o", "stat=,command=", "-p", String(pid)];
    const line = execFileSync("ps", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return line.startsWith("Z") ? "" : line;
  } catch {
    return "";
  }
}
