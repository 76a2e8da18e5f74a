/** What Kafka knows of who is behind, and of dead letters. Describes alone: no record is read, no group is joined. */
import { kafkaUnusable } from "../../lib/kafka/mistake.ts";
import { openKafka } from "../../lib/kafka/client.ts";
import { ledgerTopic } from "../dead-letter/redrive-ledger.ts";
import { isOurs } from "../topic/group.ts";
import { type GroupLag, readLag } from "../topic/lag.ts";
import { type Extent, findExtent, type KafkaSession } from "../topic/session.ts";
import { EndHistory } from "./end-history.ts";
import type { ExporterEnv } from "./env.ts";
import type { Figure, Source } from "./source.ts";

type KafkaOptions = Pick<ExporterEnv, "kafka" | "topic" | "deadLetterTopic">;

export function kafkaSource(options: KafkaOptions): Source {
  const kafka = openKafka({
    ...options.kafka,
    clientId: "task-events-exporter",
    // The next reading tries again.
    config: { retry: { initialRetryTime: 100, retries: 2, maxRetryTime: 1_000 } },
  });
  const history = new EndHistory();
  const { brokers } = options.kafka;
  const read = async (): Promise<Figure[]> => {
    const admin = kafka.admin();
    try {
      await admin.connect();
      const session = { kafka, admin, brokers, [Symbol.asyncDispose]: () => admin.disconnect() };
      return await readFigures(session, options, history);
    } catch (error) {
      // A topic that is not there is said as it is.
      const isOfKafka = error instanceof Error && error.name.startsWith("KafkaJS");
      throw isOfKafka ? kafkaUnusable(error, options.kafka) : error;
    } finally {
      await admin.disconnect();
    }
  };
  return { name: "kafka", read };
}

async function readFigures(
  session: KafkaSession,
  { topic, deadLetterTopic }: KafkaOptions,
  history: EndHistory,
): Promise<Figure[]> {
  if (history.isEmpty) await seed(history, session, topic);
  const now = new Date();
  let extent: Extent = [];
  const lags = await readLag(session, {
    topic,
    now,
    isAsked: isOurs,
    agesOf: async (positions, found) => {
      extent = found;
      history.add({ atMs: now.getTime(), ends: found.map(({ high }) => high) });
      return history.agesOf(positions);
    },
  });
  const letters = await findExtent(session, deadLetterTopic);
  const redriven = await findExtent(session, ledgerTopic(deadLetterTopic));
  return [
    ...toLagFigures(lags.filter(({ isAway }) => !isAway)),
    toEndFigure({ [topic]: extent, ...(letters && { [deadLetterTopic]: letters }) }),
    ...(letters === undefined ? [] : toLetterFigures(letters, redriven ?? [])),
  ];
}

const firstAgeMs = 15_000;
const lastAgeMs = 8 * 86_400_000;

/** What was before the exporter's start, from the timestamps of records: of a producer whose clock is wrong, until these are passed. */
async function seed(history: EndHistory, { admin }: KafkaSession, topic: string): Promise<void> {
  const ages: number[] = [];
  for (let ageMs = firstAgeMs; ageMs <= lastAgeMs; ageMs *= 2) ages.unshift(ageMs);
  if (!(await admin.listTopics()).includes(topic)) return;
  for (const ageMs of ages) {
    const atMs = Date.now() - ageMs;
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, atMs);
    const ends = found
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ offset }) => Number(offset));
    history.add({ atMs, ends });
  }
}

function toLagFigures(lags: readonly GroupLag[]): Figure[] {
  const ofPartitions = (value: (lag: GroupLag["partitions"][number]) => number) =>
    lags.flatMap(({ group, partitions }) =>
      partitions.map((lag) => [{ group, partition: String(lag.partition) }, value(lag)] as const),
    );
  return [
    {
      name: "task_events_consumer_lag_records",
      help: "Records that a consumer group has not committed.",
      values: ofPartitions(({ records }) => records),
    },
    {
      name: "task_events_consumer_lag_seconds",
      help: "How long, at least, the first of them has been waiting.",
      values: ofPartitions(({ seconds }) => seconds ?? 0),
    },
    {
      name: "task_events_consumer_members",
      help: "Members of a consumer group: 0 where nobody reads.",
      values: lags.map(({ group, members }) => [{ group }, members]),
    },
  ];
}

const toEndFigure = (extents: Readonly<Record<string, Extent>>): Figure => ({
  name: "task_events_topic_end_offset",
  help: "Offset of the next record of a partition: grows with each one that is written.",
  values: Object.entries(extents).flatMap(([topic, extent]) =>
    extent.map(({ high }, partition) => [{ topic, partition: String(partition) }, high] as const),
  ),
});

const sum = (extent: Extent, of: (partition: Extent[number]) => number): number =>
  extent.reduce((total, partition) => total + of(partition), 0);

function toLetterFigures(letters: Extent, redriven: Extent): Figure[] {
  const written = sum(letters, ({ high }) => high);
  const kept = sum(letters, ({ low, high }) => high - low);
  // A mark a letter, kept for ever.
  const marks = sum(redriven, ({ high }) => high);
  return [
    {
      name: "task_events_dead_letters_written",
      help: "Dead letters that were ever written.",
      values: [[{}, written]],
    },
    {
      name: "task_events_dead_letters_waiting",
      help: "Dead letters on the topic that were not redriven, at most.",
      values: [[{}, Math.max(0, Math.min(kept, written - marks))]],
    },
  ];
}
