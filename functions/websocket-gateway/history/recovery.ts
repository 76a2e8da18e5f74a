/** What a client missed before the ring begins: read from audit-log page by page, and only where it is all there. */
import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import type { Cursor } from "../access/cursor.ts";
import type { View } from "../peer/peer.ts";
import { offsetOf, reaches, type Vector } from "../topic/vector.ts";
import type { AuditLog, HistoryEvent, HistoryPage } from "./audit-log.ts";
import type { Generation } from "./generation.ts";

export interface RecoveryOptions {
  readonly auditLog: AuditLog;
  readonly generation: Generation;
  /** How long audit-log may lag behind, or be away. */
  readonly patienceMs: number;
  /** The first wait; it doubles up to a second. */
  readonly pollMs: number;
  readonly now: () => number;
  /** audit-log tells of another generation than the one that is known here. */
  readonly onOtherGeneration: () => void;
}

/** Pages read at once, for all clients: a reconnect storm must not become one on audit-log. */
const concurrency = 16;
const maxPollMs = 1_000;
/** For the last question too, which is asked when the patience ends. */
const minAskMs = 2_000;
/** At most so many events of 1 MiB wait for one client; audit-log ends a page early too. */
const pageEvents = 200;

export interface Span {
  readonly view: View;
  readonly from: Vector;
  readonly until: Vector;
}

/** The span is not recorded without a gap, or audit-log does not answer. */
export class HistoryGapError extends Error {
  override readonly name = "HistoryGapError";
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #limit = pLimit(concurrency);

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** When a resume that begins now must be decided. */
  deadline(): number {
    return this.#options.now() + this.#options.patienceMs;
  }

  leftMs(deadline: number): number {
    return Math.max(0, deadline - this.#options.now());
  }

  /** Whether the cursor's positions are of the topic as it is now. */
  async isOfThisTopic(cursor: Cursor, deadline: number): Promise<boolean> {
    const { generation, now } = this.#options;
    const known = generation.matches(cursor.generation);
    if (known !== undefined) return known;
    await generation.settled(deadline - now());
    return generation.matches(cursor.generation) ?? false;
  }

  /**
   * The view's events in the span, in pages. The first page comes only when the whole span is recorded.
   * Throws HistoryGapError where that is not so at the deadline.
   */
  async *pages(
    span: Span,
    deadline: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly HistoryEvent[]> {
    let page = await this.#coveredPage(span, deadline, signal);
    while (true) {
      yield page.events;
      if (page.next === null) return;
      const { now, patienceMs } = this.#options;
      // Recorded entries stay: only an audit-log that is away can fail now.
      page = await this.#coveredPage({ ...span, from: page.next }, now() + patienceMs, signal);
    }
  }

  async #coveredPage(span: Span, deadline: number, signal: AbortSignal): Promise<HistoryPage> {
    const { now, generation, onOtherGeneration } = this.#options;
    let last: unknown;
    let waitMs = this.#options.pollMs;
    if (!(await generation.settled(deadline - now()))) throw gap("its generation is not known");
    while (!signal.aborted) {
      const page = await this.#limit(() => this.#ask(span, deadline, signal)).catch(
        (error: unknown) => void (last = error),
      );
      if (page !== undefined && page.generation !== generation.name) {
        onOtherGeneration();
        break;
      }
      if (page !== undefined && reaches(page.covered, wanted(span))) return page;
      const leftMs = deadline - now();
      if (leftMs <= 0) break;
      await delay(Math.min(waitMs, leftMs), undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, maxPollMs);
    }
    throw gap("audit-log does not have all of it", last);
  }

  #ask({ view, from, until }: Span, deadline: number, signal: AbortSignal): Promise<HistoryPage> {
    const { auditLog, generation, now } = this.#options;
    const timeout = AbortSignal.timeout(Math.max(minAskMs, deadline - now()));
    const request = {
      user_id: view.userId,
      unowned: view.hasUnowned,
      generation: generation.name,
      from: [...until].map((end, partition) => Math.min(offsetOf(from, partition), end)),
      until: [...until],
      limit: pageEvents,
    };
    return auditLog.history(request, AbortSignal.any([signal, timeout]));
  }
}

const gap = (reason: string, cause?: unknown): HistoryGapError =>
  new HistoryGapError(reason, { cause });

/** Where nothing is asked of a partition, nothing need be covered. */
const wanted = ({ from, until }: Span): number[] =>
  until.map((end, partition) => (offsetOf(from, partition) >= end ? 0 : end));
