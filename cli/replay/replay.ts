/** Sends a stretch of the topic to one function, beside its live consumer group. */
import pLimit, { type LimitFunction } from "p-limit";
import { type KafkaRecord, toDelivery } from "../../lib/events/kafka-record.ts";
import { type Message, send, type Sent } from "../function/send.ts";
import { readWindows } from "../topic/read-windows.ts";
import type { KafkaSession } from "../topic/session.ts";
import { Settled } from "./settled.ts";

export interface Stretch {
  readonly first: number;
  readonly end: number;
}

export interface ReplayOptions {
  readonly session: KafkaSession;
  readonly topic: string;
  /** By partition. */
  readonly stretches: ReadonlyMap<number, Stretch>;
  readonly functionName: string;
  readonly url: string;
  readonly concurrency: number;
  /** One after the other in a partition, as its KafkaSource does. */
  readonly isOrdered: boolean;
  readonly rename: ((message: Message) => Message) | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (offsets: number) => void;
}

export interface Refusal {
  readonly partition: number;
  readonly offset: number;
  readonly why: string;
}

export interface Replayed {
  readonly delivered: number;
  /** What Knative drops, too: null headers, control characters. */
  readonly undeliverable: number;
  readonly refusals: readonly Refusal[];
  /** Why it ended before its end; null where it did not. */
  readonly stopped: string | null;
  /** Where to go on. */
  readonly left: ReadonlyMap<number, number>;
}

/** Counted where records are passed over; of refusals the first are kept. */
interface Tally {
  delivered: number;
  undeliverable: number;
  readonly refusals: Refusal[];
  stopped: string | null;
}

export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { stretches, signal } = options;
  const settled = new Settled(stretches);
  const tally: Tally = { delivered: 0, undeliverable: 0, refusals: [], stopped: null };
  const away = new AbortController();
  const stopping = AbortSignal.any([signal, away.signal]);
  const limit = pLimit(options.concurrency);
  const unread = await readWindows({
    ...options,
    signal: stopping,
    windows: new Map([...stretches].map(([partition, stretch]) => [partition, [stretch]])),
    onRecords: async (partition, records) => {
      const onAway = (): void => away.abort();
      const sent = await sendBatch(records, { ...options, signal: stopping, onAway }, limit);
      const failed = take(sent, records, tally);
      const next = records[failed ?? records.length - 1];
      if (next !== undefined) settled.moveTo(partition, next.offset + (failed === null ? 1 : 0));
      options.onProgress(failed ?? records.length);
    },
  });
  for (const partition of stretches.keys()) {
    if (!stopping.aborted && !unread.has(partition)) settled.finish(partition);
  }
  if (signal.aborted) tally.stopped = "stopped";
  else if (unread.size > 0 && tally.stopped === null) {
    tally.stopped = "the topic's end is behind an open transaction";
  }
  return { ...tally, left: settled.left() };
}

interface SendOptions extends ReplayOptions {
  /** Where the function is away even after the retries: what is left is not tried. */
  readonly onAway: () => void;
}

async function sendBatch(
  records: readonly KafkaRecord[],
  options: SendOptions,
  limit: LimitFunction,
): Promise<(Sent | undefined)[]> {
  if (!options.isOrdered) {
    return Promise.all(records.map((record) => limit(() => sendRecord(record, options))));
  }
  const sent: (Sent | undefined)[] = [];
  for (const record of records) {
    const result = await limit(() => sendRecord(record, options));
    sent.push(result);
    if (result?.outcome === "unavailable" || result?.outcome === "stopped") break;
  }
  return sent;
}

/** Undefined where the dispatcher cannot send it either. */
async function sendRecord(
  record: KafkaRecord,
  { functionName, url, rename, signal, onAway }: SendOptions,
): Promise<Sent | undefined> {
  const delivery = toDelivery(record, { namespace: "default", name: functionName });
  if (delivery === undefined) return undefined;
  const sent = await send(url, rename === undefined ? delivery : rename(delivery), signal);
  if (sent.outcome === "unavailable") onAway();
  return sent;
}

/** Counts what is settled; the index of the first record that is not, or null. */
function take(
  sent: readonly (Sent | undefined)[],
  records: readonly KafkaRecord[],
  tally: Tally,
): number | null {
  let failed: number | null = null;
  for (const [index, { partition, offset }] of records.entries()) {
    const result = index < sent.length ? sent[index] : { outcome: "stopped" as const };
    if (result === undefined) tally.undeliverable++;
    else if (result.outcome === "done") tally.delivered++;
    else if (result.outcome === "refused") {
      tally.refusals.push({ partition, offset, why: result.why });
    } else {
      failed ??= index;
      if (result.outcome === "unavailable") tally.stopped ??= result.why;
    }
  }
  return failed;
}
