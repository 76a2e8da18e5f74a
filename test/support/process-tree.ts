/** A process and everything below it, read from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly cpuSeconds: number;
  /** Of children that have ended and were waited for. */
  readonly endedCpuSeconds: number;
}

export interface Memory {
  readonly ownBytes: number;
  /** Program text. PostgreSQL's buffers are left out: of a fixed size, and not there before they are first used. */
  readonly sharedBytes: number;
}

/** Linux's USER_HZ. */
const ticksPerSecond = 100;

/** The process itself comes first. */
export function family(root: number): Process[] {
  const all = readdirSync("/proc").flatMap((entry) => readProcess(entry) ?? []);
  const children = Map.groupBy(all, ({ parent }) => parent);
  const found = all.filter(({ pid }) => pid === root);
  // Grows while it is walked.
  for (const { pid } of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function readProcess(entry: string): Process | undefined {
  if (!/^\d+$/.test(entry)) return undefined;
  const stat = read(`/proc/${entry}/stat`);
  const command = read(`/proc/${entry}/cmdline`)?.replaceAll("\0", " ");
  if (stat === undefined || command === undefined) return undefined;
  // After the name, which may hold anything: state, ppid, …, utime, stime, cutime and cstime as the 14th to 17th of all.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (...indexes: number[]): number =>
    indexes.reduce((sum, index) => sum + Number(fields[index]), 0) / ticksPerSecond;
  return {
    pid: Number(entry),
    parent: Number(fields[1]),
    command,
    cpuSeconds: seconds(11, 12),
    endedCpuSeconds: seconds(13, 14),
  };
}

/** Undefined where the process has ended. */
export function readMemory(pid: number): Memory | undefined {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { ownBytes: bytes("RssAnon"), sharedBytes: bytes("RssFile") };
}

/** To the nanosecond, where a tick is 10 ms: what the threads that live have been on a processor. */
export function threadCpuSeconds(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(tasks).map((task) =>
    Number(read(`${tasks}/${task}/schedstat`)?.split(" ", 1)[0] ?? 0),
  );
  return nanoseconds.reduce((sum, time) => sum + time, 0) / 1e9;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
