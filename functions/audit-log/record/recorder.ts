/** Records events through one connection, and tells errors of the data from a database that is not there. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Event } from "../../../lib/events/event.ts";
import { PermanentError, RetryableError } from "../../../lib/host/error.ts";
import { isOfTheData, isPassing } from "../../../lib/store/failure.ts";
import type { AuditStore } from "../store.ts";
import type { AuditMetrics } from "../metric.ts";
import { type Arrival, toArrival } from "./arrival.ts";
import { openGroupCommit } from "../../../lib/store/group-commit.ts";
import { placeOf, recordBatch, type Recorded } from "./record-batch.ts";

export type RecordOutcome = "done" | "duplicate";

export interface Recorder {
  /** Resolves after COMMIT. PermanentError: this row cannot be stored; RetryableError: the database is not there. */
  readonly record: (event: Event) => Promise<RecordOutcome>;
  readonly waiting: () => number;
  readonly idle: () => Promise<void>;
}

export interface RecorderOptions {
  readonly store: AuditStore;
  readonly topic: string;
  readonly log: Logger;
  readonly metrics: AuditMetrics;
  readonly now?: (() => Date) | undefined;
}

const maxRows = 500;
const maxBytes = 4 * 1024 * 1024;
/** Waits before the second and the third attempt, in ms; together far below the dispatcher's timeout. */
const retryDelaysMs = [100, 400];

export function openRecorder(options: RecorderOptions): Recorder {
  const groupCommit = openGroupCommit<Arrival, RecordOutcome>({
    commit: (arrivals) => commitOrSplit(arrivals, options),
    bytesOf: ({ event }) => event.bytes.length + 1024,
    maxItems: maxRows,
    maxBytes,
  });
  return {
    record: (event) => groupCommit.add(toArrival(event)),
    waiting: groupCommit.waiting,
    idle: groupCommit.idle,
  };
}

type Settled = PromiseSettledResult<RecordOutcome>;

/** Halves a batch whose data the database refuses, until the guilty row stands alone. */
async function commitOrSplit(
  arrivals: readonly Arrival[],
  options: RecorderOptions,
): Promise<readonly Settled[]> {
  try {
    const recorded = await commitWithRetry(arrivals, options);
    tell(recorded, options);
    const fresh = new Set(recorded.fresh);
    return arrivals.map((arrival) => ({
      status: "fulfilled",
      value: fresh.has(arrival) ? "done" : "duplicate",
    }));
  } catch (error) {
    if (!isOfTheData(error)) throw error;
    if (arrivals.length === 1) return [{ status: "rejected", reason: unstorable(error) }];
    const middle = arrivals.length >> 1;
    // One after the other: there is one connection.
    const left = await settled(arrivals.slice(0, middle), options);
    const right = await settled(arrivals.slice(middle), options);
    return [...left, ...right];
  }
}

/** A half that fails must not take back what is committed of the other. */
async function settled(
  arrivals: readonly Arrival[],
  options: RecorderOptions,
): Promise<readonly Settled[]> {
  try {
    return await commitOrSplit(arrivals, options);
  } catch (reason) {
    return arrivals.map(() => ({ status: "rejected", reason }));
  }
}

const unstorable = (cause: unknown): PermanentError =>
  new PermanentError("entry_unstorable", "the database refuses to store this event", { cause });

/** A COMMIT whose outcome is unknown is repeated too: what it did commit is then found as redelivered. */
async function commitWithRetry(
  arrivals: readonly Arrival[],
  { store, topic, now, metrics, log }: RecorderOptions,
): Promise<Recorded> {
  metrics.batchRows.observe(arrivals.length);
  for (const delayMs of [...retryDelaysMs, undefined]) {
    try {
      return await recordBatch(store.writer(), arrivals, { topic, now });
    } catch (error) {
      if (!isPassing(error)) throw error;
      store.renewWriter();
      if (delayMs === undefined) {
        throw new RetryableError("store_unavailable", "the database is not available", {
          cause: error,
        });
      }
      metrics.commitRetries.inc();
      log.warn({ err: error, rows: arrivals.length }, "a batch is committed again");
      await delay(delayMs);
    }
  }
  throw new Error("unreachable: the last attempt returns or throws");
}

function tell(recorded: Recorded, { log, metrics }: RecorderOptions): void {
  metrics.redeliveries.inc(recorded.redelivered.length);
  for (const { arrival, differs } of recorded.duplicates) {
    const { id, source, position } = arrival.event;
    metrics.duplicates.inc({ content: differs ? "different" : "same" });
    const line = { event_id: id, event_source: source, ...position };
    if (differs) log.warn(line, "a second record of an event says something else: the first wins");
    else log.info(line, "a second record of an event");
  }
  if (recorded.clash !== undefined) {
    metrics.generationAlarms.inc();
    log.error(
      { event_id: recorded.clash.event.id, ...recorded.clash.event.position },
      `the topic was re-made behind our back: another record is at ${placeOf(recorded.clash)}; a new generation begins`,
    );
  }
}
