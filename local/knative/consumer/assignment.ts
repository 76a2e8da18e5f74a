/** The partitions that a consumer holds between two rebalances: their records are queued, delivered and settled. */
import pLimit, { type LimitFunction } from "p-limit";
import { OffsetTracker } from "./offset-tracker.ts";

export interface AssignedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface AssignmentOptions<R extends AssignedRecord> {
  readonly ordering: "ordered" | "unordered";
  /** Resolves with whether the record is settled, that is: may be committed. */
  readonly deliver: (record: R, signals: AssignmentSignals) => Promise<boolean>;
  /** Deliveries of the assignment before, which must have ended: a partition has one record in flight. */
  readonly after: Promise<void>;
}

export interface AssignmentSignals {
  readonly stopping: AbortSignal;
  readonly abandoning: AbortSignal;
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly tracker: OffsetTracker;
  readonly limit: LimitFunction;
  backlog: number;
  resume: (() => void) | undefined;
}

// 71 to 90 records were seen in flight from one real consumer, which polls 50 at a time.
const unorderedInFlight = 80;
// What waits in memory, a partition. A paused one is fetched again within the long poll: so much must last for it.
const pauseAbove = 250;
const resumeBelow = 100;

export class Assignment<R extends AssignedRecord> {
  readonly #options: AssignmentOptions<R>;
  readonly #stopping = new AbortController();
  readonly #abandoning = new AbortController();
  readonly #partitions = new Map<string, Partition>();
  readonly #shared = pLimit(unorderedInFlight);
  readonly #running = new Set<Promise<void>>();

  constructor(options: AssignmentOptions<R>) {
    this.#options = options;
  }

  /** Takes records of one partition, in the order of the log. `pause` returns what resumes. */
  accept(records: readonly R[], pause: () => () => void): void {
    const [first] = records;
    if (first === undefined || this.#stopping.signal.aborted) return;
    const partition = this.#partition(first);
    for (const record of records) {
      const settle = partition.tracker.begin(record.offset);
      partition.backlog++;
      const run = partition.limit(() => this.#run(record, partition, settle));
      this.#running.add(run);
      void run.finally(() => this.#running.delete(run));
    }
    if (partition.backlog > pauseAbove) partition.resume ??= pause();
  }

  async #run(record: R, partition: Partition, settle: () => void): Promise<void> {
    await this.#options.after;
    const signals = { stopping: this.#stopping.signal, abandoning: this.#abandoning.signal };
    const isSettled = !signals.stopping.aborted && (await this.#options.deliver(record, signals));
    if (isSettled) settle();
    partition.backlog--;
    if (partition.backlog < resumeBelow) {
      partition.resume?.();
      partition.resume = undefined;
    }
  }

  #partition({ topic, partition }: AssignedRecord): Partition {
    const key = `${topic}/${partition}`;
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    const limit = this.#options.ordering === "ordered" ? pLimit(1) : this.#shared;
    const tracker = new OffsetTracker();
    const added = { topic, partition, tracker, limit, backlog: 0, resume: undefined };
    this.#partitions.set(key, added);
    return added;
  }

  /** What may be committed, as kafkajs takes it. */
  committable(): { topic: string; partition: number; offset: string }[] {
    return [...this.#partitions.values()].flatMap(({ topic, partition, tracker }) =>
      tracker.committable === undefined
        ? []
        : [{ topic, partition, offset: String(tracker.committable) }],
    );
  }

  /** No attempt begins any more. Running ones end by themselves, or are cut off after the grace, uncommitted. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    const timer = setTimeout(() => this.#abandoning.abort(), graceMs);
    await Promise.all(this.#running);
    clearTimeout(timer);
  }
}
