/** Where an event is in Kafka: its records, the groups that have passed them, its dead letters. */
import { traceIdOf, traceparentOf } from "../../lib/host/trace.ts";
import { readLetters } from "../dead-letter/read-letters.ts";
import { type Letter, nameOf, placeOf } from "../dead-letter/letter.ts";
import { readMarks } from "../dead-letter/redrive-ledger.ts";
import type { FunctionAt } from "../function/destination.ts";
import { readWindows } from "../topic/read-windows.ts";
import { type KafkaSession, readExtent } from "../topic/session.ts";
import { readPassed } from "./passed.ts";
import type { Verdicts } from "./ask.ts";

export interface TopicRecord {
  readonly partition: number;
  readonly offset: number;
  /** Null where the topic has deleted it. */
  readonly at: string | null;
  /** `first` is what counts; the others are duplicates. */
  readonly role: "first" | "duplicate";
}

interface DeadLetter {
  readonly dead_letter: string;
  readonly at: string;
  readonly function: string | null;
  readonly code: number | null;
  readonly reason: string | null;
  readonly redriven: { readonly to: string; readonly at: string; readonly by: string } | null;
}

export interface Places {
  readonly trace_id: string | null;
  readonly records: readonly TopicRecord[];
  /** By group: whether it has committed past the first record. */
  readonly passed: Readonly<Record<string, boolean>>;
  readonly dead_letters: readonly DeadLetter[];
}

export interface PlaceOptions {
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly functionAt: FunctionAt;
}

export async function findPlaces(
  session: KafkaSession,
  verdicts: Verdicts,
  options: PlaceOptions,
): Promise<Places> {
  const { event, entry } = verdicts;
  const positions = [event, ...(entry?.duplicates ?? [])].flatMap(({ partition, offset }) =>
    partition === null || offset === null ? [] : [{ partition, offset }],
  );
  const { times, traceparent } = await readRecords(session, options.topic, positions);
  const [first] = positions;
  return {
    trace_id: traceIdOf(traceparentOf(traceparent, event.extensions["traceparent"])) ?? null,
    records: positions.map((position, index) => ({
      ...position,
      at: times.get(`${position.partition}/${position.offset}`) ?? null,
      role: index === 0 ? "first" : "duplicate",
    })),
    passed: first === undefined ? {} : await readPassed(session, options.topic, first),
    dead_letters: await readDeadLetters(session, verdicts, options),
  };
}

interface Position {
  readonly partition: number;
  readonly offset: number;
}

async function readRecords(session: KafkaSession, topic: string, positions: readonly Position[]) {
  const extent = await readExtent(session, topic);
  const times = new Map<string, string>();
  let traceparent: string | undefined;
  const there = positions.filter(({ partition, offset }) => {
    const { low = 0, high = 0 } = extent[partition] ?? {};
    return offset >= low && offset < high;
  });
  await readWindows({
    session,
    topic,
    windows: new Map(
      [...Map.groupBy(there, ({ partition }) => partition)].map(([partition, of]) => [
        partition,
        of.map(({ offset }) => ({ first: offset, end: offset + 1 })),
      ]),
    ),
    onRecords: (partition, records) => {
      for (const { offset, timestampMs, headers } of records) {
        times.set(`${partition}/${offset}`, new Date(timestampMs).toISOString());
        const header = headers["traceparent"];
        traceparent ??= Buffer.isBuffer(header) ? header.toString() : undefined;
      }
    },
  });
  return { times, traceparent };
}

async function readDeadLetters(
  session: KafkaSession,
  { event }: Verdicts,
  { deadLetterTopic, functionAt }: PlaceOptions,
): Promise<DeadLetter[]> {
  const isOfEvent = ({ event: dead }: Letter): boolean =>
    dead?.id === event.id && dead.source === event.source;
  const { letters } = await readLetters({
    session,
    topic: deadLetterTopic,
    functionAt,
    matches: isOfEvent,
    limit: 100,
    keep: "oldest",
  });
  if (letters.length === 0) return [];
  const marks = await readMarks(session, deadLetterTopic);
  return letters.map((letter) => ({
    dead_letter: placeOf(letter),
    at: new Date(letter.atMs).toISOString(),
    function: letter.functionName ?? letter.destination,
    code: letter.code,
    reason: letter.reason,
    redriven: marks.get(nameOf(letter)) ?? null,
  }));
}
