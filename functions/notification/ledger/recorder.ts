/** Records events many at a time, and hands what was leased with them to the senders after the commit. */
import type { Kysely } from "kysely";
import { PermanentError } from "../../../lib/host/error.ts";
import { allFulfilled, openGroupCommit } from "../../../lib/store/group-commit.ts";
import { isOfTheData, isPassing, retryable } from "../../../lib/store/failure.ts";
import type { Arrival } from "./arrival.ts";
import { recordArrivals, type Recorded } from "./ledger.ts";
import { newLease } from "./lease.ts";
import { type Line, type Timing, timing } from "../send/line.ts";
import type { ChannelName, Tables } from "./table.ts";

export interface RecorderOptions {
  readonly db: Kysely<Tables>;
  readonly lines: readonly Line[];
  readonly retryHours: number;
  readonly timing: Timing;
  readonly countSuppressed: (channel: ChannelName) => void;
}

export type Record = (arrival: Arrival) => Promise<Recorded>;

type Result = Recorded | PermanentError;

const maxArrivals = 500;

/** Resolves when the rows are committed; rejects with RetryableError where the database is away. */
export function openRecorder(options: RecorderOptions): Record {
  const { add: record } = openGroupCommit<Arrival, Result>({
    commit: async (arrivals) => allFulfilled(await retryable(() => recordGroup(options, arrivals))),
    maxItems: maxArrivals,
  });
  return async (arrival) => {
    const result = await record(arrival);
    if (result instanceof PermanentError) throw result;
    return result;
  };
}

/** A group that the data of one event breaks is split until that one stands alone. */
async function recordGroup(
  options: RecorderOptions,
  arrivals: readonly Arrival[],
): Promise<readonly Result[]> {
  try {
    return await commit(options, arrivals).catch((error: unknown) => {
      // Once more: a deadlock, a restart, or a COMMIT without an answer, which the inbox makes harmless.
      if (isPassing(error)) return commit(options, arrivals);
      throw error;
    });
  } catch (error) {
    if (!isOfTheData(error)) throw error;
    if (arrivals.length === 1) {
      const message = "the event cannot be stored";
      return [new PermanentError("event_unstorable", message, { cause: error })];
    }
    const middle = arrivals.length >> 1;
    return [
      ...(await recordGroup(options, arrivals.slice(0, middle))),
      ...(await recordGroup(options, arrivals.slice(middle))),
    ];
  }
}

async function commit(
  { db, lines, retryHours, timing: given, countSuppressed }: RecorderOptions,
  arrivals: readonly Arrival[],
): Promise<readonly Recorded[]> {
  const { leaseMs, clock } = { ...timing, ...given };
  const roomOf = (name: ChannelName): number =>
    lines.find((line) => line.name === name)?.sender.roomForNew ?? 0;
  const { outcomes, jobs, suppressed, unleased } = await recordArrivals(db, arrivals, {
    room: { email: roomOf("email"), sms: roomOf("sms") },
    lease: newLease(leaseMs, clock),
    retryHours,
  });
  for (const channel of suppressed) countSuppressed(channel);
  for (const { name, sender, poller } of lines) {
    sender.offer(jobs.filter(({ channel }) => channel === name));
    if (unleased.includes(name)) poller.poke();
  }
  return outcomes;
}
