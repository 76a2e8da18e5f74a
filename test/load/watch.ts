/** Looks on while a load runs: each second the lag of every function, and the memory of every process. */
import { setTimeout as delay } from "node:timers/promises";
import type { Admin } from "kafkajs";
import { type Usage, UsageMeter } from "./process-usage.ts";
import { nowMs } from "./produce.ts";

/** The gateway's only replica stands for all: each reads every record. */
export const groups = ["audit-log", "notification", "recurring-task", "websocket-gateway-0"];

export interface WatchOptions {
  readonly admin: Admin;
  readonly events: number;
  /** Frames that the clients have so far. */
  readonly frames: () => number;
  /** Hears now and then how far it is. */
  readonly say: (line: string) => void;
  /** Ends it before the load is through. */
  readonly signal: AbortSignal;
}

export interface GroupProgress {
  peakLag: number;
  /** When nothing was left to commit, in ms since the epoch; undefined where that did not happen. */
  doneAt: number | undefined;
}

export interface Watched {
  readonly groups: ReadonlyMap<string, GroupProgress>;
  /** Of each process: before the load, the highest of each quarter of it, and after it. */
  readonly memoryBytes: ReadonlyMap<string, readonly number[]>;
  readonly cpuSeconds: ReadonlyMap<string, number>;
  /** What was still missing when nothing moved any more. */
  readonly stall: string | undefined;
}

const topic = "task-events";
const sampleMs = 1_000;
/** Looks, so of about a second. */
const sayEvery = 10;
const stallMs = 30_000;
/** Late frames come, and memory is given back. */
const settleMs = 10_000;
const quarters = 4;
const stretches = quarters + 2;

export class Watch {
  readonly #options: WatchOptions;
  readonly #meter = new UsageMeter();
  readonly #groups = new Map<string, GroupProgress>(
    groups.map((group) => [group, { peakLag: 0, doneAt: undefined }]),
  );
  readonly #memory = new Map<string, number[]>();
  #cpuSeconds = new Map<string, number>();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#measure(0);
  }

  /** Until every function and every client has all, or nothing moves any more. */
  async run(): Promise<Watched> {
    const { frames, events, say, signal } = this.#options;
    let state = "";
    let looks = 0;
    let movedAt = performance.now();
    let stall: string | undefined;
    for (;;) {
      await delay(sampleMs);
      const { left, progress } = await this.#look();
      this.#measure(stretchOf(progress));
      if (left === 0 && frames() >= events) break;
      const now = `${frames()} frames, ${left} events left for the slowest function`;
      if (++looks % sayEvery === 0) say(now);
      if (now !== state) movedAt = performance.now();
      state = now;
      if (performance.now() - movedAt > stallMs || signal.aborted) {
        stall = now;
        break;
      }
    }
    await delay(settleMs);
    this.#measure(stretches - 1);
    return {
      groups: this.#groups,
      memoryBytes: this.#memory,
      cpuSeconds: this.#cpuSeconds,
      stall,
    };
  }

  /** What the slowest function has left of all events, those not sent yet too; and how much all have done on average. */
  async #look(): Promise<{ left: number; progress: number }> {
    const { admin, events } = this.#options;
    const { end, behind } = await readLag(admin, groups);
    for (const [group, lag] of behind) {
      const progress = this.#groups.get(group);
      if (progress === undefined) continue;
      progress.peakLag = Math.max(progress.peakLag, lag);
      if (lag === 0 && end >= events) progress.doneAt ??= nowMs();
    }
    const unsent = Math.max(0, events - end);
    const lags = [...behind.values()].map((lag) => lag + unsent);
    const done = lags.reduce((sum, lag) => sum + 1 - lag / events, 0);
    return { left: Math.max(...lags), progress: done / lags.length };
  }

  #measure(stretch: number): void {
    const usages = this.#meter.sample();
    for (const [name, { memoryBytes }] of usages) {
      const highest = this.#memory.get(name) ?? Array.from({ length: stretches }, () => 0);
      highest[stretch] = Math.max(highest[stretch] ?? 0, memoryBytes);
      this.#memory.set(name, highest);
    }
    this.#cpuSeconds = new Map(
      [...usages].map(([name, { cpuSeconds }]: [string, Usage]) => [name, cpuSeconds]),
    );
  }
}

/** 0 is before the load, 1 to 4 are its quarters. */
const stretchOf = (progress: number): number =>
  Math.min(quarters, Math.max(1, Math.ceil(progress * quarters)));

interface Lag {
  readonly end: number;
  /** By consumer group. */
  readonly behind: ReadonlyMap<string, number>;
}

async function readLag(admin: Admin, groups: readonly string[]): Promise<Lag> {
  const committed = await Promise.all(groups.map((groupId) => readCommitted(admin, groupId)));
  const ends = await admin.fetchTopicOffsets(topic);
  const end = ends.reduce((sum, { high }) => sum + Number(high), 0);
  return {
    end,
    behind: new Map(groups.map((group, index) => [group, end - (committed[index] ?? 0)])),
  };
}

async function readCommitted(admin: Admin, groupId: string): Promise<number> {
  const [ofTopic] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const offsets = (ofTopic?.partitions ?? []).map(({ offset }) => Number(offset));
  return offsets.reduce((sum, offset) => sum + Math.max(0, offset), 0);
}
