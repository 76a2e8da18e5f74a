/** Holds requests until a process can take them, as Knative's activator does, and spreads them over the processes. */
import { describeExit, type Exit } from "../replica/function-process.ts";
import type { Policy } from "./load-balancing.ts";
import type { Replica } from "../replica/replica-set.ts";

/** breakerQueueDepth of the activator. (Its breaker adds 2³¹ places to them, so that there nobody is ever refused.) */
export const ACTIVATOR_QUEUE = 10_000;
/** So often in a row a process may crash before those who wait for it are told. */
const PATIENCE = 3;
/** What the activator's timeout handler writes. */
export const TIMEOUT_BODY = "activator request timeout";

/** A place at a replica; `release` when its answer is complete. */
export interface Lease extends Disposable {
  readonly port: number;
  readonly replica: Replica;
}

/** No place: the status and the body of the answer. */
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
  policy: Policy;
  /** How long a request may wait. */
  timeoutMs: number;
  /** How many may wait. */
  queueLimit?: () => number;
  /** A request came: it waits or has a place. */
  onEnter?: () => void;
  /** It is answered, refused, or its client went away. */
  onLeave?: () => void;
}

interface Waiter {
  settle(outcome: Lease | NoReplicaError): void;
}

export class Activator {
  readonly #options: ActivatorOptions;
  readonly #waiters = new Set<Waiter>();

  constructor(options: ActivatorOptions) {
    this.#options = options;
  }

  /** Rejects with a NoReplicaError, or with the signal's reason where the client went away. */
  async acquire(signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted();
    const { queueLimit, onEnter } = this.#options;
    onEnter?.();
    const lease = this.#waiters.size === 0 ? this.#lease() : undefined;
    if (lease !== undefined) return lease;
    if (this.#waiters.size >= (queueLimit?.() ?? ACTIVATOR_QUEUE)) {
      this.#options.onLeave?.();
      throw new NoReplicaError(503, "pending request queue full");
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
      const refuse = (error: Error) =>
        leave(() => {
          this.#options.onLeave?.();
          reject(error);
        });
      const abandon = () => refuse(signal.reason as Error);
      const settle = (outcome: Lease | NoReplicaError) =>
        outcome instanceof NoReplicaError ? refuse(outcome) : leave(() => resolve(outcome));
      const waiter: Waiter = { settle };
      const timeout = new NoReplicaError(504, TIMEOUT_BODY);
      const timer = setTimeout(() => waiter.settle(timeout), this.#options.timeoutMs);
      const leave = (then: () => void) => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
        then();
      };
      signal.addEventListener("abort", abandon, { once: true });
      this.#waiters.add(waiter);
    });
  }

  #lease(): Lease | undefined {
    const replica = this.#options.policy(this.#options.ready());
    if (replica === undefined) return undefined;
    replica.inFlight += 1;
    return { port: replica.port, replica, [Symbol.dispose]: this.#releaseOnce(replica) };
  }

  #releaseOnce(replica: Replica): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      replica.inFlight -= 1;
      this.#options.onLeave?.();
      this.pump();
    };
  }
}
