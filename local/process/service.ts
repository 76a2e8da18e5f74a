/** A Knative Service: its front port is always open, its processes come with the first request and go when idle. */
import { closeServer } from "../../lib/host/connection.ts";
import { ACTIVATOR_QUEUE, Activator } from "./front/activator.ts";
import { openDoor, type Door } from "./front/door.ts";
import { openFront } from "./front/front-server.ts";
import { describeExit, type Exit, type FunctionCommand } from "./replica/function-process.ts";
import { policyOf } from "./front/load-balancing.ts";
import type { Note } from "./note/note.ts";
import { createRepeatedNote } from "./note/repeated-note.ts";
import { ReplicaSet } from "./replica/replica-set.ts";
import { PodAutoscaler, REPORT_MS, type Verdict } from "./scale/pod-autoscaler.ts";
import type { Scale } from "./scale/scale.ts";
import type { TimeLimit } from "./front/time-limit.ts";
import { createWakeReport, type WakeReport } from "./note/wake-report.ts";

export interface ServiceOptions {
  name: string;
  /** The front port, 8001…; 0: a free one. */
  port: number;
  process: FunctionCommand;
  scale: Scale;
  /** The wait for a process counts. */
  limit: TimeLimit;
  note: Note;
  /** Milliseconds, for the autoscaler: a test's may go faster. */
  now?: () => number;
  /** Between two looks of the autoscaler: a second of its clock. */
  lookMs?: number;
}

export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly door: Door;
  /** Resolves when a process is ready; rejects with a NoReplicaError where none becomes so. */
  wake(): Promise<void>;
}

/** For what a stopping process still answers when everything stops. */
const LAST_SETTLE_MS = 5_000;
/** Queue depth of queue-proxy: so many times its `containerConcurrency`. */
const QUEUE_FACTOR = 10;
/** A function that does not start says so once in this time. */
const QUIET_CRASH_MS = 60_000;

export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { port, limit } = options;
  const pool = new ServicePool(options);
  const front = await openFront({ port, activator: pool.activator, limit });
  const ticker = setInterval(() => pool.look(), options.lookMs ?? REPORT_MS);
  pool.look();
  return {
    url: `http://localhost:${String(front.port)}`,
    port: front.port,
    door: openDoor(pool.activator, limit),
    wake: () => pool.wake(limit.timeoutMs),
    [Symbol.asyncDispose]: async () => {
      clearInterval(ticker);
      await closeServer(front.server, LAST_SETTLE_MS);
      await pool[Symbol.asyncDispose]();
      front.endUpgraded();
    },
  };
}

/** The processes of one Service, and who decides how many there are. */
class ServicePool implements AsyncDisposable {
  readonly activator: Activator;
  readonly #replicas: ReplicaSet;
  readonly #autoscaler: PodAutoscaler;
  readonly #options: ServiceOptions;
  readonly #report: WakeReport;
  readonly #crashNote: Note;

  constructor(options: ServiceOptions) {
    const { name, note, scale, limit } = options;
    this.#options = options;
    this.#report = createWakeReport(name, note);
    this.#crashNote = createRepeatedNote(note, QUIET_CRASH_MS);
    this.#autoscaler = new PodAutoscaler(scale);
    this.#replicas = new ReplicaSet({
      process: () => options.process,
      settleMs: limit.timeoutMs,
      lastSettleMs: LAST_SETTLE_MS,
      note,
      onReady: () => this.#onReady(),
      onCrash: (exit, failures) => this.#onCrash(exit, failures),
    });
    this.activator = new Activator({
      ready: () => this.#replicas.ready,
      policy: policyOf(scale.concurrency),
      timeoutMs: limit.timeoutMs,
      queueLimit: () => this.#queueLimit(),
      onEnter: () => this.#apply(this.#autoscaler.enter(this.#now(), this.#replicas.ready.length)),
      onLeave: () => this.#autoscaler.leave(this.#now()),
    });
  }

  /** The autoscaler's regular look at the load. */
  look(): void {
    this.#apply(this.#autoscaler.look(this.#now(), this.#replicas.ready.length));
  }

  async wake(timeoutMs: number): Promise<void> {
    const lease = await this.activator.acquire(AbortSignal.timeout(timeoutMs));
    lease[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#replicas[Symbol.asyncDispose]();
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  #apply(verdict: Verdict | undefined): void {
    const { size } = this.#replicas;
    if (verdict?.size === undefined || verdict.size === size) return;
    this.#report.scaled(size, verdict);
    this.#replicas.scaleTo(verdict.size);
  }

  /** Without the activator each process has a queue of its own: here they are one. */
  #queueLimit(): number {
    const { concurrency } = this.#options.scale;
    if (this.#autoscaler.isProxied || concurrency === 0) return ACTIVATOR_QUEUE;
    return QUEUE_FACTOR * concurrency * this.#replicas.ready.length;
  }

  #onReady(): void {
    this.#report.ready();
    this.activator.pump();
  }

  #onCrash(exit: Exit, failures: number): void {
    this.#crashNote(this.#options.name, describeExit(exit), "error");
    this.activator.onCrash(exit, failures);
  }
}
