/** Memory and CPU time of this process and everything below it, by what it is. Read from Linux's /proc. */
import { family, type Memory, readMemory } from "../support/process-tree.ts";

export interface Usage {
  /** Of several replicas the largest: how many there are is the autoscaler's. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

/** Its processes are one server. */
const postgres = "PostgreSQL";

const names: readonly (readonly [RegExp, string])[] = [
  [/local\/main\.ts/, "runner"],
  [/client-process\.ts/, "(clients)"],
  [/load\/main\.ts/, "(producer)"],
  [/ kafka\.Kafka /, "Kafka"],
  [/^\S*postgres(:| )/, postgres],
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
    const own = memory.map(({ ownBytes }) => ownBytes);
    const shared = Math.max(0, ...memory.map(({ sharedBytes }) => sharedBytes));
    return {
      memoryBytes:
        shared + (name === postgres ? own.reduce((sum, one) => sum + one, 0) : Math.max(0, ...own)),
      cpuSeconds: ofName.reduce((sum, { seconds }) => sum + seconds, 0),
    };
  }
}
