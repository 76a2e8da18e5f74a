/** Producers that keep an event until it is accepted: through the Broker, and by a Kafka client into every partition. */
import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import { openKafka } from "../../../lib/kafka/client.ts";
import type { Runner } from "../runner.ts";

export interface Published {
  readonly id: string;
  readonly user: string;
  /** It is mailed. */
  readonly isCreated: boolean;
}

export interface PublisherOptions {
  readonly runner: Runner;
  /** `host:port` */
  readonly kafka: string;
  /** The first number; ids are made of numbers. */
  readonly first: number;
  readonly total: number;
  /** From the first to the last. */
  readonly spreadMs: number;
}

const partitions = 12;
const concurrency = 20;
/** Of a request; then it is sent again under the same id. */
const ANSWER_MS = 10_000;
const AGAIN_MS = 200;

/** Resolves when all were accepted. Every fourth goes by the Kafka client. */
export async function publishAll(options: PublisherOptions): Promise<Published[]> {
  const { kafka, first, total, spreadMs } = options;
  const producer = openKafka({
    brokers: kafka,
    clientId: "fault",
    config: { requestTimeout: ANSWER_MS, retry: { retries: 3 } },
  }).producer();
  await untilDone(() => producer.connect());
  const limit = pLimit(concurrency);
  const startedAt = performance.now();
  const send = async (index: number): Promise<Published> => {
    const dueMs = (index / total) * spreadMs - (performance.now() - startedAt);
    if (dueMs > 0) await delay(dueMs);
    const event = toEvent(first + index);
    await untilDone(() =>
      index % 4 === 3
        ? producer.send({ topic: "task-events", messages: [toRecord(event)] })
        : post(options.runner, event),
    );
    return event;
  };
  try {
    return await Promise.all(Array.from({ length: total }, (_, at) => limit(() => send(at))));
  } finally {
    await producer.disconnect();
  }
}

const toEvent = (number: number) => ({
  number,
  id: `fault-${number}`,
  user: number % 2 === 0 ? "u1" : "u2",
  isCreated: number % 5 === 0,
});
type Event = ReturnType<typeof toEvent>;

const typeOf = ({ isCreated }: Event): string => (isCreated ? "task.created" : "task.updated");

const dataOf = ({ number, user }: Event, task: string) => ({
  task_id: task,
  user_id: user,
  payload: { title: `#${number}#` },
});

async function post(runner: Runner, event: Event): Promise<void> {
  const task = `posted-${event.number % 97}`;
  const headers = { id: event.id, type: typeOf(event), subject: task, partitionkey: task };
  const late = delay(ANSWER_MS, 0, { ref: false });
  const status = await Promise.race([runner.post(headers, dataOf(event, task)), late]);
  if (status !== 202) throw new Error(`answered ${status}`);
}

/** As the Broker's ingress writes it. All events of a task lie in one partition. */
function toRecord(event: Event) {
  const partition = event.number % partitions;
  const task = `produced-${partition}`;
  return {
    partition,
    key: task,
    value: JSON.stringify(dataOf(event, task)),
    headers: {
      ce_specversion: "1.0",
      ce_id: event.id,
      ce_source: "/task-app",
      ce_type: typeOf(event),
      ce_subject: task,
      ce_partitionkey: task,
      "content-type": "application/json",
    },
  };
}

async function untilDone(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch {
      await delay(AGAIN_MS);
    }
  }
}
