/** One log a folder: a file with the pid of its owner, taken over when that process is no more. */
import { readFileSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { isErrno, readFileIfAny } from "./atomic-file.ts";

/** Folders that this very process holds: its own pid in a file may also be that of an earlier process. */
const held = new Set<string>();

export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, "lock");
  if (held.has(path)) throw inUse(folder, process.pid);
  held.add(path);
  try {
    await take(path, folder);
  } catch (error) {
    held.delete(path);
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true });
      held.delete(path);
    },
  };
}

async function take(path: string, folder: string): Promise<void> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    if (await create(path)) return;
    const owner = await readFileIfAny(path);
    const [pid = "", startedAt = ""] = (owner ?? "").trim().split(" ");
    if (isRunning(Number(pid), startedAt)) throw inUse(folder, pid);
    await rm(path, { force: true });
  }
  throw new Error(`the lock ${path} cannot be taken`);
}

async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(`${process.pid} ${startOf(process.pid)}\n`);
    await file.close();
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

function isRunning(pid: number, startedAt: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
  }
  return startOf(pid) === startedAt;
}

/** When a process began, in ticks since boot: tells it from a later one with the same pid. Only Linux says. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function inUse(folder: string, pid: number | string): Error {
  return new Error(`the Kafka log in ${folder} is in use by process ${pid}; stop that one first`);
}
