/** What was redriven, for every operator alike: a mark a letter, on a topic beside that of the dead letters. */
import { hostname, userInfo } from "node:os";
import { isObject } from "../../lib/events/structured.ts";
import { parseJson } from "../../lib/events/json.ts";
import { readWindows } from "../topic/read-windows.ts";
import { findExtent, type KafkaSession } from "../topic/session.ts";
import { type Letter, nameOf } from "./letter.ts";
import { createTopics } from "../../lib/kafka/create-topics.ts";

export interface Mark {
  /** A function's name, or the topic's. */
  readonly to: string;
  readonly at: string;
  readonly by: string;
}

/** By name of the letter. */
export type Marks = ReadonlyMap<string, Mark>;

export const ledgerTopic = (deadLetterTopic: string): string => `${deadLetterTopic}-redriven`;

export async function readMarks(session: KafkaSession, deadLetterTopic: string): Promise<Marks> {
  const topic = ledgerTopic(deadLetterTopic);
  const extent = (await findExtent(session, topic)) ?? [];
  const marks = new Map<string, Mark>();
  await readWindows({
    session,
    topic,
    windows: new Map(
      extent.map(({ low, high }, partition) => [partition, [{ first: low, end: high }]]),
    ),
    onRecords: (_, records) => {
      for (const { key, value } of records) {
        const mark = toMark(value);
        if (key !== null && mark !== undefined) marks.set(key.toString(), mark);
      }
    },
  });
  return marks;
}

function toMark(value: Buffer | null): Mark | undefined {
  const parsed = parseJson(value ?? Buffer.alloc(0));
  if (!("value" in parsed) || !isObject(parsed.value)) return undefined;
  const { to, at, by } = parsed.value;
  if (typeof to !== "string" || typeof at !== "string" || typeof by !== "string") return undefined;
  return { to, at, by };
}

/** Marks outlive the letters that they are about. */
const forEver = [{ name: "retention.ms", value: "-1" }];

/** Made by the first redrive, with the replication that the brokers give by default. */
export async function makeLedger(
  { admin, kafka }: KafkaSession,
  deadLetterTopic: string,
): Promise<void> {
  const topic = ledgerTopic(deadLetterTopic);
  if ((await admin.listTopics()).includes(topic)) return;
  await createTopics(kafka, [{ topic, numPartitions: 1, configEntries: forEver }]);
}

export interface Ledger extends AsyncDisposable {
  /** Resolves when the marks are stored. */
  readonly mark: (letters: readonly Letter[], to: string) => Promise<void>;
}

export async function openLedger(session: KafkaSession, deadLetterTopic: string): Promise<Ledger> {
  const topic = ledgerTopic(deadLetterTopic);
  const producer = session.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const by = `${userInfo().username}@${hostname()}`;
  return {
    mark: async (letters, to) => {
      const at = new Date().toISOString();
      const messages = letters.map((letter) => {
        const { source = null, id = null } = letter.event ?? {};
        const value = JSON.stringify({ to, at, by, event: { source, id } });
        return { key: nameOf(letter), value, partition: 0 };
      });
      await producer.send({ topic, acks: -1, messages });
    },
    [Symbol.asyncDispose]: () => producer.disconnect(),
  };
}
