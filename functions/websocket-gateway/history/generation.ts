/** The topic's generation, learned from audit-log in the background: daprd joins only after the gateway listens. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { AuditLog } from "./audit-log.ts";

export interface GenerationOptions {
  readonly auditLog: Pick<AuditLog, "generation">;
  readonly log: Logger;
  readonly firstRetryMs?: number;
  readonly now?: () => number;
}

const maxRetryMs = 30_000;
const askTimeoutMs = 10_000;
/** audit-log's `verify` has run twice by then: what it still says is right. */
const distrustMs = 600_000;

export class Generation implements Disposable {
  readonly #options: GenerationOptions;
  readonly #closed = new AbortController();
  /** Stands in for a generation that is not known yet. It means something to this process alone. */
  #provisional = `~${randomUUID()}`;
  #known: string | undefined;
  #learned = Promise.withResolvers<void>();
  /** The topic before had this name. audit-log may not have noticed yet that it is gone. */
  #distrusted: { readonly name: string; readonly until: number } | undefined;

  constructor(options: GenerationOptions) {
    this.#options = options;
    void this.#learn();
  }

  /** What cursors carry now. */
  get name(): string {
    return this.#known ?? this.#provisional;
  }

  get isKnown(): boolean {
    return this.#known !== undefined;
  }

  /** True once known; false after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<boolean> {
    if (this.#known !== undefined) return true;
    const timer = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.#learned.promise, late]);
    timer.abort();
    return this.isKnown;
  }

  /** Whether positions of a cursor mean the same here: undefined while that cannot be known. */
  matches(generation: string): boolean | undefined {
    // Issued by this process, about the very topic that it still reads.
    if (generation === this.#provisional) return true;
    if (this.#known !== undefined) return generation === this.#known;
    return this.#isDistrusted(generation) ? false : undefined;
  }

  /** The topic was made anew: what was known is of the one before. */
  forget(): void {
    const before = this.#known;
    this.#known = undefined;
    this.#provisional = `~${randomUUID()}`;
    if (before === undefined) return;
    this.#distrusted = { name: before, until: this.#now() + distrustMs };
    this.#learned = Promise.withResolvers<void>();
    void this.#learn();
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  #isDistrusted(name: string): boolean {
    return name === this.#distrusted?.name && this.#now() < this.#distrusted.until;
  }

  async #learn(): Promise<void> {
    const { auditLog, log, firstRetryMs = 200 } = this.#options;
    const { signal } = this.#closed;
    for (let retryMs = firstRetryMs; !signal.aborted; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]);
      const generation = await auditLog.generation(timeout).catch(() => "");
      if (signal.aborted) return;
      // Empty where audit-log knows none yet.
      if (generation !== "" && !this.#isDistrusted(generation)) {
        this.#known = generation;
        log.info({ generation }, "the topic's generation is known");
        this.#learned.resolve();
        return;
      }
      await delay(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
