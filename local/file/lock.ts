/** A file that one process holds: who it is is written in it, and a killed holder does not block the next. */
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { UsageError } from "../../lib/host/error.ts";
import { isErrno } from "./atomic-file.ts";

interface Holder {
  pid: number;
  /** Tells the holder from another process that got its id later. */
  startedAt: string;
}

const TRIES = 5;

/** The file is there while it is held. Gives the id of the process that holds it where it cannot be taken. */
export function tryLock(path: string): Disposable | number {
  const own: Holder = { pid: process.pid, startedAt: startOf(process.pid) };
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (write(path, own)) return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    const holder = read(path);
    if (holder !== undefined && startOf(holder.pid) === holder.startedAt) return holder.pid;
    remove(path);
  }
  throw new UsageError(`${path} cannot be taken: another process takes it at the same moment.`);
}

function write(path: string, own: Holder): boolean {
  try {
    writeFileSync(path, JSON.stringify(own), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

function read(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

/** By a rename, so that of two that start at once only one removes it. */
function remove(path: string): void {
  const aside = `${path}.${String(process.pid)}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
  rmSync(aside, { force: true });
}

const START_TIME_FIELD = 19;

/** When the process began, in the machine's own words; empty where there is none. */
function startOf(pid: number): string {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
      // The command in parentheses may hold blanks and parentheses itself.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? "" : (fields[START_TIME_FIELD] ?? "");
    }
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}
