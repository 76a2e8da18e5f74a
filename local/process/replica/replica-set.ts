/** Keeps a wanted number of processes of one function running: starts, restarts after a crash, drains and ends them. */
import type { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { keepAliveAgent } from "../../keep-alive.ts";
import {
  startFunctionProcess,
  type Exit,
  type FunctionCommand,
  type FunctionProcess,
} from "./function-process.ts";
import type { Note } from "../note/note.ts";
import { DEFAULT_PROBES, keepProbing, passesAtStart } from "./probe.ts";

/** One ready process. */
export interface Replica {
  readonly ordinal: number;
  readonly port: number;
  readonly agent: Agent;
  inFlight: number;
  /** Its readiness probe passes. */
  isReady: boolean;
  /** It refused a connection: the process has ended, and its exit is not known yet. */
  gone: boolean;
}

export interface ReplicaSetOptions {
  process: (ordinal: number) => FunctionCommand;
  /** How long a replica that is not wanted any more may finish its requests before SIGTERM. */
  settleMs: number;
  /** The same where everything stops. Default: as long. */
  lastSettleMs?: number;
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
  #settledBy = Infinity;

  constructor(options: ReplicaSetOptions) {
    this.#options = options;
  }

  /** Those that may get requests. */
  get ready(): Replica[] {
    const ready: Replica[] = [];
    // Asked for each request.
    for (const { replica, stopping } of this.#slots) {
      if (replica?.isReady === true && !replica.gone && !stopping.signal.aborted) {
        ready.push(replica);
      }
    }
    return ready;
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
    const { settleMs, lastSettleMs = settleMs } = this.#options;
    this.#settledBy = performance.now() + lastSettleMs;
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
    const { process: commandOf, note, onReady } = this.#options;
    const command = commandOf(slot.ordinal);
    const running = await startFunctionProcess(command, note);
    slot.process = running;
    // Stopped while it was being spawned: nobody else will end it.
    if (slot.stopping.signal.aborted) void running.stop();
    const agent = keepAliveAgent();
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, slot.stopping.signal]);
    void this.#keepAlive(slot, running, command, signal);
    if ((await running.ready()) && !slot.stopping.signal.aborted) {
      const { ordinal } = slot;
      const { port } = running;
      slot.replica = { ordinal, port, agent, inFlight: 0, isReady: true, gone: false };
      this.#keepReady(slot.replica, command, signal);
      onReady();
    }
    const exit = await running.exited;
    ended.abort();
    slot.replica = undefined;
    slot.process = undefined;
    agent.destroy();
    return exit;
  }

  /** What is not ready gets no requests. */
  #keepReady(
    replica: Replica,
    { name, probes = DEFAULT_PROBES }: FunctionCommand,
    signal: AbortSignal,
  ): void {
    const { note, onReady } = this.#options;
    const tell = (isReady: boolean) => {
      replica.isReady = isReady;
      note(name, isReady ? "ready again" : "not ready: it gets no requests", "warning");
      if (isReady) onReady();
    };
    void keepProbing(replica.port, probes.readiness, tell, signal);
  }

  /** As kubelet does: what does not start, or is not alive, is ended, and so restarted. */
  async #keepAlive(
    slot: Slot,
    running: FunctionProcess,
    { name, probes = DEFAULT_PROBES }: FunctionCommand,
    signal: AbortSignal,
  ): Promise<void> {
    const { startup, liveness } = probes;
    const restart = (which: string) => {
      if (slot.replica !== undefined) slot.replica.isReady = false;
      this.#options.note(name, `its ${which} probe fails: it is restarted`, "warning");
      void running.stop();
    };
    if (startup !== undefined && !(await passesAtStart(running.port, startup, signal))) {
      restart("startup");
    } else if (liveness !== undefined) {
      const tell = (isAlive: boolean) => isAlive || restart("liveness");
      await keepProbing(running.port, liveness, tell, signal);
    }
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
    while (
      (slot.replica?.inFlight ?? 0) > 0 &&
      performance.now() < Math.min(deadline, this.#settledBy)
    ) {
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
