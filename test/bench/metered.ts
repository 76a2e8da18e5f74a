/** What a process and all below it have used: CPU time, memory. */
import { setTimeout as delay } from "node:timers/promises";
import { family, readMemory } from "../support/process-tree.ts";

export const cpuSecondsOf = (pid: number): number =>
  family(pid).reduce(
    (sum, { cpuSeconds, endedCpuSeconds }) => sum + cpuSeconds + endedCpuSeconds,
    0,
  );

/** Of this process alone, its program text too. */
export function residentBytesOf(pid: number): number {
  const { ownBytes = 0, sharedBytes = 0 } = readMemory(pid) ?? {};
  return ownBytes + sharedBytes;
}

/** CPU seconds that the tree of each pid uses while `work` runs, and how long that takes. */
export async function metered<Name extends string>(
  pids: Readonly<Record<Name, number>>,
  work: () => Promise<unknown>,
): Promise<{ readonly seconds: number; readonly cpu: Readonly<Record<Name, number>> }> {
  const entries = Object.entries<number>(pids);
  const before = entries.map(([, pid]) => cpuSecondsOf(pid));
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const used = entries.map(([name, pid], index) => [
    name,
    cpuSecondsOf(pid) - (before[index] ?? 0),
  ]);
  // The names of `pids`.
  return { seconds, cpu: Object.fromEntries(used) as Record<Name, number> };
}

const idleShare = 0.1;
const idleLookMs = 500;
const idleLooks = 120;

/** Until the tree of the pid uses less than a tenth of a core: what it had still to do is done, or a minute is over. */
export async function untilIdle(pid: number): Promise<void> {
  for (let look = 0; look < idleLooks; look++) {
    const before = cpuSecondsOf(pid);
    await delay(idleLookMs);
    if (cpuSecondsOf(pid) - before < (idleShare * idleLookMs) / 1_000) return;
  }
}

const sampleMs = 50;

/** The most that the process has resident while `work` runs. */
export async function peakBytesOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  let peak = residentBytesOf(pid);
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytesOf(pid));
  }, sampleMs);
  try {
    await work();
  } finally {
    clearInterval(sampling);
  }
  return peak;
}
