/** The topic's generation, learned from audit-log in the background: daprd joins only after the gateway listens. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { AuditLog } from "./audit-log.ts";

export interface GenerationOptions {
  readonly auditLog: Pick<AuditLog, "generation">;
  readonly log: Logger;
  readonly firstRetryMs?: number;
  /** audit-log tells of another generation than the one that is known here. */
  readonly onOther?: () => void;
}

const maxRetryMs = 30_000;
const askTimeoutMs = 10_000;
/** Asked again at most so often, and only while records come: audit-log is awake then anyway. */
const recheckMs = 10_000;

export class Generation implements Disposable {
  readonly #options: GenerationOptions;
  readonly #closed = new AbortController();
  /** Stands in for a generation that is not known yet. It means something to this process alone. */
  #provisional = `~${randomUUID()}`;
  #known: string | undefined;
  #learned = Promise.withResolvers<void>();
  #checkedAt = performance.now();

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
    return undefined;
  }

  /** The topic was made anew: what was known is of the one before. */
  forget(): void {
    const wasKnown = this.isKnown;
    this.#known = undefined;
    this.#provisional = `~${randomUUID()}`;
    if (!wasKnown) return;
    this.#learned = Promise.withResolvers<void>();
    void this.#learn();
  }

  /** A topic that was made anew may go on where this replica is: nothing but audit-log tells it apart. */
  recheck(): void {
    const known = this.#known;
    if (known === undefined || performance.now() - this.#checkedAt < recheckMs) return;
    this.#checkedAt = performance.now();
    const { auditLog, log, onOther } = this.#options;
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(askTimeoutMs)]);
    auditLog.generation(signal).then(
      (generation) => {
        if (generation === "" || generation === known || this.#known !== known) return;
        log.warn({ known, generation }, "the topic's generation is another one");
        onOther?.();
      },
      // Asked again with a later record.
      () => undefined,
    );
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  async #learn(): Promise<void> {
    const { auditLog, log, firstRetryMs = 200 } = this.#options;
    const { signal } = this.#closed;
    for (let retryMs = firstRetryMs; !signal.aborted; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]);
      const generation = await auditLog.generation(timeout).catch(() => "");
      if (signal.aborted) return;
      // Empty where audit-log knows none yet.
      if (generation !== "") {
        this.#known = generation;
        log.info({ generation }, "the topic's generation is known");
        this.#learned.resolve();
        return;
      }
      await delay(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
