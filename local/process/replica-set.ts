/** Keeps a wanted number of processes of one function running: starts, restarts after a crash, drains and ends them. */
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import {
  startFunctionProcess,
  type Exit,
  type FunctionCommand,
  type FunctionProcess,
} from "./function-process.ts";
import type { Note } from "./note.ts";

/** One ready process. */
export interface Replica {
  readonly ordinal: number;
  readonly port: number;
  readonly agent: Agent;
  inFlight: number;
  lastUsed: number;
  /** It refused a connection: the process has ended, and its exit is not known yet. */
  gone: boolean;
}

export interface ReplicaSetOptions {
  process: (ordinal: number) => FunctionCommand;
  /** How long a replica that is to stop may finish its requests before SIGTERM. */
  settleMs: number;
  note: Note;
  onReady: () => void;
  /** A process ended that nobody stopped; `failures` in a row, without a healthy stretch between them. */
  onCrash: (exit: Exit, failures: number) => void;
}

interface Slot {
  readonly ordinal: number;
  readonly stopping: AbortController;
  process: FunctionProcess | undefined;
  replica: Replica | undefined;
  finished: Promise<void>;
}

const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const HEALTHY_MS = 10_000;
const SETTLE_PROBE_MS = 20;

export class ReplicaSet implements AsyncDisposable {
  readonly #options: ReplicaSetOptions;
  readonly #slots = new Set<Slot>();

  constructor(options: ReplicaSetOptions) {
    this.#options = options;
  }

  /** Those that may get requests. */
  get ready(): Replica[] {
    return this.#active().flatMap(({ replica }) => (replica?.gone === false ? [replica] : []));
  }

  /** Those that are not being stopped, ready or not. */
  get size(): number {
    return this.#active().length;
  }

  /** The port of one ordinal's living process. */
  portOf(ordinal: number): number | undefined {
    return this.#active().find((slot) => slot.ordinal === ordinal)?.process?.port;
  }

  scaleTo(wanted: number): void {
    const active = this.#active().toSorted((a, b) => a.ordinal - b.ordinal);
    for (const slot of active.slice(wanted)) void this.#stop(slot);
    const taken = new Set(active.map(({ ordinal }) => ordinal));
    for (let ordinal = 0; this.size < wanted; ordinal += 1) {
      if (!taken.has(ordinal)) this.#start(ordinal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#slots].map((slot) => this.#stop(slot)));
  }

  #active(): Slot[] {
    return [...this.#slots].filter(({ stopping }) => !stopping.signal.aborted);
  }

  #start(ordinal: number): void {
    const slot: Slot = {
      ordinal,
      stopping: new AbortController(),
      process: undefined,
      replica: undefined,
      finished: Promise.resolve(),
    };
    this.#slots.add(slot);
    slot.finished = this.#keepRunning(slot).finally(() => this.#slots.delete(slot));
  }

  async #keepRunning(slot: Slot): Promise<void> {
    const { signal } = slot.stopping;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const exit = await this.#runOnce(slot).catch(notStarted);
      if (signal.aborted) return;
      failures = performance.now() - startedAt > HEALTHY_MS ? 1 : failures + 1;
      this.#options.onCrash(exit, failures);
      const backoffMs = Math.min(BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
      await delay(backoffMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #runOnce(slot: Slot): Promise<Exit> {
    const { process: command, note, onReady } = this.#options;
    const running = await startFunctionProcess(command(slot.ordinal), note);
    slot.process = running;
    // Stopped while it was being spawned: nobody else will end it.
    if (slot.stopping.signal.aborted) void running.stop();
    const agent = new Agent({ keepAlive: true });
    const ready = await running.ready();
    if (ready && !slot.stopping.signal.aborted) {
      const { ordinal } = slot;
      slot.replica = { ordinal, port: running.port, agent, inFlight: 0, lastUsed: 0, gone: false };
      onReady();
    }
    const exit = await running.exited;
    slot.replica = undefined;
    slot.process = undefined;
    agent.destroy();
    return exit;
  }

  async #stop(slot: Slot): Promise<void> {
    if (!slot.stopping.signal.aborted) {
      slot.stopping.abort();
      await this.#settle(slot);
      await slot.process?.stop();
    }
    await slot.finished;
  }

  /** As queue-proxy does: SIGTERM comes when the requests are done, so that none meets a closing socket. */
  async #settle(slot: Slot): Promise<void> {
    const deadline = performance.now() + this.#options.settleMs;
    while ((slot.replica?.inFlight ?? 0) > 0 && performance.now() < deadline) {
      await delay(SETTLE_PROBE_MS);
    }
  }
}

/** The machine had no process or no port to give. */
const notStarted = (error: unknown): Exit => ({
  code: null,
  signal: null,
  sentence: String(error),
});
