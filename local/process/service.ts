/** A Knative Service: its front port is always open, its processes come with the first request and go when idle. */
import { Activator } from "./activator.ts";
import { recent, wantedSize, type Sample, type Scale } from "./autoscaler.ts";
import { closeServer } from "../../lib/host/connection.ts";
import { openFront } from "./front-server.ts";
import { describeExit, type Exit, type FunctionCommand } from "./function-process.ts";
import type { Note } from "./note.ts";
import { ReplicaSet } from "./replica-set.ts";

export interface ServiceOptions {
  name: string;
  /** The front port, 8001…; 0: a free one. */
  port: number;
  process: FunctionCommand;
  scale: Scale;
  /** `timeoutSeconds`: until an answer begins, the wait for a process included. */
  timeoutMs: number;
  note: Note;
  /** Between two looks of the autoscaler: Knative's `tick-interval`. */
  tickMs?: number;
}

export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Resolves when a process is ready; rejects with a NoReplicaError where none becomes so. */
  wake(): Promise<void>;
}

const TICK_MS = 2_000;
/** For what a stopping process still answers. */
const SETTLE_MS = 5_000;

export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { port, timeoutMs } = options;
  const pool = new ServicePool(options);
  const front = await openFront({ port, activator: pool.activator, timeoutMs });
  const ticker = setInterval(() => pool.look(performance.now()), options.tickMs ?? TICK_MS);
  pool.scaleTo(options.scale.min);
  return {
    url: `http://localhost:${String(front.port)}`,
    port: front.port,
    wake: () => pool.wake(timeoutMs),
    [Symbol.asyncDispose]: async () => {
      clearInterval(ticker);
      await closeServer(front.server, SETTLE_MS);
      await pool[Symbol.asyncDispose]();
      front.endUpgraded();
    },
  };
}

/** The processes of one Service, and who decides how many there are. */
class ServicePool implements AsyncDisposable {
  readonly activator: Activator;
  readonly #replicas: ReplicaSet;
  readonly #options: ServiceOptions;
  #samples: Sample[] = [];
  #used = false;
  #askedAt = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#replicas = new ReplicaSet({
      process: () => options.process,
      settleMs: SETTLE_MS,
      note: options.note,
      onReady: () => this.#onReady(),
      onCrash: (exit, failures) => this.#onCrash(exit, failures),
    });
    this.activator = new Activator({
      ready: () => this.#replicas.ready,
      concurrency: options.scale.concurrency,
      timeoutMs: options.timeoutMs,
      onUse: () => (this.#used = true),
      onWait: () => this.scaleTo(Math.max(1, this.#replicas.size)),
    });
  }

  /** The autoscaler's regular look at the load. */
  look(now: number): void {
    const { scale } = this.#options;
    const concurrency = this.activator.demand;
    this.#samples = recent(this.#samples, now, scale);
    this.#samples.push({ at: now, concurrency, used: this.#used || concurrency > 0 });
    this.#used = false;
    this.scaleTo(wantedSize(this.#samples, now, this.#replicas.size, scale));
  }

  scaleTo(wanted: number): void {
    const { size } = this.#replicas;
    if (wanted === size) return;
    if (wanted > size) this.#askedAt = performance.now();
    if (wanted === 0) this.#options.note(this.#options.name, "asleep: idle");
    this.#replicas.scaleTo(wanted);
  }

  async wake(timeoutMs: number): Promise<void> {
    const lease = await this.activator.acquire(AbortSignal.timeout(timeoutMs));
    lease[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#replicas[Symbol.asyncDispose]();
  }

  #onReady(): void {
    const ms = Math.round(performance.now() - this.#askedAt);
    this.#options.note(this.#options.name, `awake after ${String(ms)} ms`);
    this.activator.pump();
  }

  #onCrash(exit: Exit, failures: number): void {
    this.#options.note(this.#options.name, describeExit(exit), "error");
    this.activator.onCrash(exit, failures);
  }
}
