/** How many processes the load asks for: Serving's pkg/autoscaler/scaling/autoscaler.go, as a pure function. */
import type { Scale } from "./scale.ts";

/** max-scale-up-rate and max-scale-down-rate of config-autoscaler. */
const MAX_UP_RATE = 1_000;
const MAX_DOWN_RATE = 2;
/** Between two decisions. */
export const TICK_MS = 2_000;

/** What is seen at one instant. */
export interface Observation {
  now: number;
  /** Processes that are ready. */
  ready: number;
  /** Average of the metric over the window. */
  stable: number;
  /** Average of the metric over the panic window. */
  panic: number;
}

/** What one decision hands on to the next. */
export interface AutoscalerMemory {
  /** Of the last look above the panic threshold; undefined: no panic. */
  panicAt?: number;
  /** The most that was wanted in this panic. */
  maxInPanic: number;
  /** Decisions of the last `scaleDownDelayMs`, by their tick. */
  delayed: readonly { tick: number; wanted: number }[];
}

export interface Decision {
  wanted: number;
  inPanic: boolean;
  /** What the processes could take besides; below 0 the activator is in the path. */
  excessBurst: number;
  memory: AutoscalerMemory;
}

export const NO_MEMORY: AutoscalerMemory = { maxInPanic: 0, delayed: [] };

export function decide(scale: Scale, seen: Observation, memory: AutoscalerMemory): Decision {
  const { now, stable, panic } = seen;
  const ready = Math.max(1, seen.ready);
  const byStable = bounded(scale, Math.ceil(stable / scale.target), ready);
  const byPanic = bounded(scale, Math.ceil(panic / scale.target), ready);
  const isOver = Math.ceil(panic / scale.target) / ready >= scale.panicThreshold;
  const panicAt = isOver ? now : stillPanics(scale, memory, now);
  const inPanic = panicAt !== undefined;
  // No scale-down in a panic.
  const maxInPanic = inPanic ? Math.max(byStable, byPanic, memory.maxInPanic) : 0;
  const { wanted, delayed } = delay(scale, memory, now, inPanic ? maxInPanic : byStable);
  return {
    wanted,
    inPanic,
    excessBurst: excessBurst(scale, seen),
    memory: { ...(inPanic ? { panicAt } : {}), maxInPanic, delayed },
  };
}

/** The panic ends when the surge has made its way into the stable average. */
function stillPanics(scale: Scale, { panicAt }: AutoscalerMemory, now: number): number | undefined {
  return panicAt !== undefined && panicAt + scale.windowMs >= now ? panicAt : undefined;
}

function bounded({ activation }: Scale, wanted: number, ready: number): number {
  const least = Math.floor(ready / MAX_DOWN_RATE);
  const most = Math.ceil(MAX_UP_RATE * ready);
  const within = Math.min(Math.max(wanted, least), most);
  return wanted > 0 && activation > 1 ? Math.max(within, activation) : within;
}

/** The most of all decisions of the delay. */
function delay(scale: Scale, { delayed }: AutoscalerMemory, now: number, wanted: number) {
  const ticks = Math.ceil(scale.scaleDownDelayMs / TICK_MS);
  if (ticks === 0) return { wanted, delayed: [] };
  const tick = Math.floor(now / TICK_MS);
  const kept = [...delayed.filter((it) => tick - it.tick < ticks), { tick, wanted }];
  return { wanted: Math.max(...kept.map((it) => it.wanted)), delayed: kept };
}

function excessBurst({ burst, total }: Scale, { ready, panic }: Observation): number {
  if (burst < 0) return -1;
  return burst === 0 ? 0 : Math.floor(ready * total - burst - panic);
}
