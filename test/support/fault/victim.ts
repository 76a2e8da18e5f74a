/** What faults happen to: servers and the runner, which the test brings back, and what the runner itself brings back. */
import { setTimeout as delay } from "node:timers/promises";
import { type RealServer, sendSignal } from "../../../local/real/server.ts";
import { pidsOf } from "../chaos.ts";
import type { Runner } from "../runner.ts";

/** Each resolves when the fault is over. `chance` chooses among several processes. */
export interface Victim {
  readonly name: string;
  /** kill -9. */
  kill(chance: number, awayMs: number): Promise<void>;
  /** SIGSTOP, then SIGCONT: connections are neither answered nor refused. */
  halt(chance: number, haltMs: number): Promise<void>;
  /** SIGTERM or what the server calls a stop, then a start. */
  restart(chance: number): Promise<void>;
}

export const serverVictim = (name: string, server: RealServer): Victim => ({
  name,
  kill: async (_, awayMs) => {
    await server.kill("SIGKILL");
    await delay(awayMs);
    await server.restart();
  },
  halt: async (_, haltMs) => {
    await server.kill("SIGSTOP");
    await delay(haltMs);
    await server.kill("SIGCONT");
  },
  restart: () => server.restart(),
});

/** A replica of a function, or a sidecar. */
export function processVictim(runner: Runner, name: string): Victim {
  const send = (chance: number, signal: NodeJS.Signals): number | undefined => {
    const pids = pidsOf(runner, name).toSorted((a, b) => a - b);
    const pid = pids[Math.floor(chance * pids.length)];
    if (pid !== undefined) sendSignal(pid, signal);
    return pid;
  };
  return {
    name,
    kill: async (chance) => void send(chance, "SIGKILL"),
    halt: async (chance, haltMs) => {
      const pid = send(chance, "SIGSTOP");
      await delay(haltMs);
      // Its runner may have been killed meanwhile, and it with that.
      if (pid !== undefined && pidsOf(runner, name).includes(pid)) sendSignal(pid, "SIGCONT");
    },
    restart: async (chance) => void send(chance, "SIGTERM"),
  };
}

const STOP_LIMIT_MS = 60_000;
const START_TRIES = 10;

export const runnerVictim = (runner: Runner): Victim => ({
  name: "runner",
  kill: async (_, awayMs) => {
    await runner.kill("SIGKILL");
    await delay(awayMs);
    await startAgain(runner);
  },
  halt: async (_, haltMs) => {
    const { pid } = runner;
    process.kill(pid, "SIGSTOP");
    await delay(haltMs);
    process.kill(pid, "SIGCONT");
  },
  restart: async () => {
    let isForced = false;
    const force = setTimeout(() => {
      isForced = true;
      void runner.kill("SIGKILL");
    }, STOP_LIMIT_MS);
    await runner.kill("SIGTERM");
    clearTimeout(force);
    if (isForced) throw new Error(`the runner does not stop in ${STOP_LIMIT_MS / 1_000} s`);
    await startAgain(runner);
  },
});

/** Another part may be away just now: whoever keeps the runner running tries again. */
async function startAgain(runner: Runner): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await runner.start();
    } catch (error) {
      if (tried === START_TRIES) throw error;
      await delay(1_000);
    }
  }
}
