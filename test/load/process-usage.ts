/** Memory and CPU time of this process and everything below it, by what it is. Read from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface Usage {
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly cpuSeconds: number;
}

/** Linux's USER_HZ. */
const ticksPerSecond = 100;

const names: readonly (readonly [RegExp, string])[] = [
  [/local\/main\.ts/, "runner"],
  [/client-process\.ts/, "(clients)"],
  [/load\/main\.ts/, "(producer)"],
  [/ kafka\.Kafka /, "Kafka"],
  [/^\S*postgres(:| )/, "PostgreSQL"],
  [/daprd/, "daprd"],
  [/redis-server|valkey-server/, "Redis"],
];

/** Undefined: of no interest, such as the shells that end servers, and Jobs. */
function nameOf(command: string): string | undefined {
  const [, name] = /functions\/([\w-]+)\/index\.ts/.exec(command) ?? [];
  return name ?? names.find(([form]) => form.test(command))?.[1];
}

export class UsageMeter {
  /** Of processes that ended meanwhile too: what they used is not given back. */
  readonly #cpu = new Map<number, { readonly name: string; seconds: number }>();

  /** Since the meter was made, or the process was born. */
  readonly #base = new Map<number, number>();
  #isFirst = true;

  sample(): ReadonlyMap<string, Usage> {
    const memory = new Map<string, Memory[]>();
    for (const { pid, command, cpuSeconds } of family(process.pid)) {
      const name = nameOf(command);
      const own = readMemory(pid);
      if (name === undefined || own === undefined) continue;
      if (this.#isFirst) this.#base.set(pid, cpuSeconds);
      this.#cpu.set(pid, { name, seconds: cpuSeconds - (this.#base.get(pid) ?? 0) });
      memory.set(name, [...(memory.get(name) ?? []), own]);
    }
    this.#isFirst = false;
    const all = [...memory.keys(), ...[...this.#cpu.values()].map(({ name }) => name)];
    return new Map([...new Set(all)].map((name) => [name, this.#usage(name, memory.get(name))]));
  }

  #usage(name: string, memory: readonly Memory[] = []): Usage {
    const ofName = [...this.#cpu.values()].filter((one) => one.name === name);
    return {
      // Of several processes of one program, what it has mapped is counted once.
      memoryBytes:
        memory.reduce((sum, { ownBytes }) => sum + ownBytes, 0) +
        Math.max(0, ...memory.map(({ sharedBytes }) => sharedBytes)),
      cpuSeconds: ofName.reduce((sum, { seconds }) => sum + seconds, 0),
    };
  }
}

function family(root: number): Process[] {
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
  // After the name, which may hold anything: state, ppid, …, utime and stime as the 14th and 15th of all.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return {
    pid: Number(entry),
    parent: Number(fields[1]),
    command,
    cpuSeconds: ticks / ticksPerSecond,
  };
}

interface Memory {
  readonly ownBytes: number;
  /** Program text. PostgreSQL's buffers are left out: of a fixed size, and not there before they are first used. */
  readonly sharedBytes: number;
}

function readMemory(pid: number): Memory | undefined {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { ownBytes: bytes("RssAnon"), sharedBytes: bytes("RssFile") };
}

/** Undefined where the process has ended. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
