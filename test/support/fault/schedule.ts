/** Which fault comes next: everything that can happen, in an order that its seed replays. */
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../chaos.ts";
import type { Victim } from "./victim.ts";

const actions = ["kill", "halt", "restart"] as const;
type Action = (typeof actions)[number];

export interface Fault {
  readonly victim: Victim;
  readonly action: Action;
  /** From the fault before. */
  readonly waitMs: number;
  /** From 0 to 1: which of several processes, and how long until it is back. */
  readonly chance: number;
}

/** How many stand still or are away at once. */
const concurrency = 2;
const HALT_MS = 20_000;
const AWAY_MS = 3_000;
const LOOK_MS = 50;

/** Without end: each pair of victim and action once, in random order, then all of them again. */
export function* drawFaults(victims: readonly Victim[], seed: number): Generator<Fault> {
  const random = seededRandom(seed);
  const pairs = victims.flatMap((victim) => actions.map((action) => ({ victim, action })));
  while (true) {
    for (const pair of shuffle(pairs, random)) {
      yield { ...pair, waitMs: 1_000 + random() * 3_000, chance: random() };
    }
  }
}

/** Fisher–Yates. */
function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(Math.floor(random() * left.length), 1));
}

export interface Happened {
  readonly faults: readonly string[];
  readonly count: (pattern: RegExp) => number;
}

/** Until the signal; then everything is brought back. Nothing has two faults at once. */
export async function haveFaults(faults: Iterable<Fault>, signal: AbortSignal): Promise<Happened> {
  const running = new Map<Victim, Promise<void>>();
  const happened: string[] = [];
  const failures: unknown[] = [];
  const startedAt = performance.now();
  for (const fault of faults) {
    const { victim, action, waitMs } = fault;
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    while (!signal.aborted && (running.has(victim) || running.size >= concurrency)) {
      await delay(LOOK_MS);
    }
    if (signal.aborted || failures.length > 0) break;
    happened.push(`${action} ${victim.name}`);
    console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0)} s: ${happened.at(-1)}`);
    const over = happen(fault)
      .catch((error: unknown) => failures.push(error))
      .then(() => void running.delete(victim));
    running.set(victim, over);
  }
  await Promise.all(running.values());
  if (failures.length > 0) throw new AggregateError(failures, "a fault could not be undone");
  return {
    faults: happened,
    count: (pattern) => happened.filter((fault) => pattern.test(fault)).length,
  };
}

async function happen({ victim, action, chance }: Fault): Promise<void> {
  if (action === "kill") await victim.kill(chance, chance * AWAY_MS);
  else if (action === "halt") await victim.halt(chance, HALT_MS);
  else await victim.restart(chance);
}
