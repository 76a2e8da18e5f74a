/** Holds requests until a process can take them, as Knative's activator does, and spreads them over the processes. */
import { describeExit, type Exit } from "./function-process.ts";
import type { Replica } from "./replica-set.ts";

/** The activator's own limit is 10,000 a revision. */
const QUEUE_LIMIT = 10_000;
/** So often in a row a process may crash before those who wait for it are told. */
const PATIENCE = 3;

/** A place at a replica; `release` when its answer is complete. */
export interface Lease extends Disposable {
  readonly port: number;
  readonly replica: Replica;
}

/** No place, with the status that says why. */
export class NoReplicaError extends Error {
  readonly status: 503 | 504;

  constructor(status: 503 | 504, message: string) {
    super(message);
    this.name = "NoReplicaError";
    this.status = status;
  }
}

export interface ActivatorOptions {
  ready: () => readonly Replica[];
  /** Requests at one replica at a time; 0: no limit. */
  concurrency: number;
  /** How long a request may wait. */
  timeoutMs: number;
  queueLimit?: number;
  onUse: () => void;
  /** Nobody can take a request now. */
  onWait: () => void;
}

interface Waiter {
  settle(outcome: Lease | NoReplicaError): void;
}

export class Activator {
  readonly #options: ActivatorOptions;
  readonly #waiters = new Set<Waiter>();
  #inFlight = 0;
  #clock = 0;

  constructor(options: ActivatorOptions) {
    this.#options = options;
  }

  /** Requests that wait or are being answered. */
  get demand(): number {
    return this.#waiters.size + this.#inFlight;
  }

  /** Rejects with a NoReplicaError, or with the signal's reason where the client went away. */
  async acquire(signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted();
    this.#options.onUse();
    const lease = this.#waiters.size === 0 ? this.#lease() : undefined;
    if (lease !== undefined) return lease;
    if (this.#waiters.size >= (this.#options.queueLimit ?? QUEUE_LIMIT)) {
      throw new NoReplicaError(503, "too many requests wait for a process");
    }
    return this.#wait(signal);
  }

  /** A replica became ready, or has a place again. */
  pump(): void {
    for (const waiter of this.#waiters) {
      const lease = this.#lease();
      if (lease === undefined) return;
      waiter.settle(lease);
    }
  }

  /** Those who wait are refused where waiting is of no use. */
  onCrash(exit: Exit, failures: number): void {
    if (this.#options.ready().length > 0) return;
    if (exit.code !== 2 && failures < PATIENCE) return;
    for (const waiter of this.#waiters) {
      waiter.settle(new NoReplicaError(503, `the function does not start: ${describeExit(exit)}`));
    }
  }

  #wait(signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const abandon = () => leave(() => reject(signal.reason as Error));
      const waiter: Waiter = {
        settle: (outcome) =>
          leave(() => (outcome instanceof NoReplicaError ? reject(outcome) : resolve(outcome))),
      };
      const timeout = new NoReplicaError(504, "no process became ready in time");
      const timer = setTimeout(() => waiter.settle(timeout), this.#options.timeoutMs);
      const leave = (then: () => void) => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
        then();
      };
      signal.addEventListener("abort", abandon, { once: true });
      this.#waiters.add(waiter);
      this.#options.onWait();
    });
  }

  #lease(): Lease | undefined {
    const limit = this.#options.concurrency || Infinity;
    const replica = this.#options
      .ready()
      .filter(({ inFlight }) => inFlight < limit)
      .toSorted((a, b) => a.inFlight - b.inFlight || a.lastUsed - b.lastUsed)
      .at(0);
    if (replica === undefined) return undefined;
    this.#clock += 1;
    replica.lastUsed = this.#clock;
    replica.inFlight += 1;
    this.#inFlight += 1;
    return { port: replica.port, replica, [Symbol.dispose]: this.#releaseOnce(replica) };
  }

  #releaseOnce(replica: Replica): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      replica.inFlight -= 1;
      this.#inFlight -= 1;
      this.pump();
    };
  }
}
