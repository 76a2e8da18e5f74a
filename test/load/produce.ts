/** Brings the events in, as fast as they are accepted or at a given rate: through the Broker's ingress, or as a Kafka client. */
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { openKafka } from "../../lib/kafka/client.ts";
import { eventAt } from "./event.ts";

export interface ProduceOptions {
  readonly events: number;
  readonly users: number;
  /** Events a second; 0: as fast as they are accepted. */
  readonly rate: number;
  /** When each was sent, in ms since the epoch; index: number of the event. */
  readonly sentAt: Float64Array;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

export const nowMs = (): number => performance.timeOrigin + performance.now();

/** Requests in flight. */
const concurrency = 64;
/** Records in one request of the Kafka client. */
const batchRecords = 200;

/** Until the last one was answered 202. */
export async function produceByIngress(url: string, options: ProduceOptions): Promise<void> {
  const { events, users, sentAt, signal } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < events && !signal.aborted) {
      const index = next++;
      await isDue(index, options);
      sentAt[index] = nowMs();
      await post(url, agent, index, users);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  agent.destroy();
}

let begunAt: number | undefined;

async function isDue(index: number, { rate }: ProduceOptions): Promise<void> {
  if (rate === 0) return;
  begunAt ??= nowMs();
  const waitMs = begunAt + (index / rate) * 1_000 - nowMs();
  if (waitMs > 0) await delay(waitMs);
}

function post(url: string, agent: Agent, index: number, users: number): Promise<void> {
  const { id, type, taskId, data } = eventAt(index, users);
  const body = JSON.stringify(data);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...attributes({ id, type, taskId }, "ce-"),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => {
        if (response.statusCode === 202) resolve();
        else reject(new Error(`the ingress answered ${response.statusCode} to ${id}`));
      });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

interface Named {
  readonly id: string;
  readonly type: string;
  readonly taskId: string;
}

const attributes = ({ id, type, taskId }: Named, prefix: string): Record<string, string> => ({
  [`${prefix}specversion`]: "1.0",
  [`${prefix}id`]: id,
  [`${prefix}source`]: "/load",
  [`${prefix}type`]: type,
  [`${prefix}subject`]: taskId,
  [`${prefix}partitionkey`]: taskId,
});

/** As CloudEvents in binary mode, with which no ingress has to do. */
export async function produceByKafka(brokers: string, options: ProduceOptions): Promise<void> {
  const { events, users, sentAt, signal } = options;
  const producer = openKafka({ brokers, clientId: "load" }).producer();
  await producer.connect();
  for (let first = 0; first < events && !signal.aborted; first += batchRecords) {
    const indexes = Array.from(
      { length: Math.min(batchRecords, events - first) },
      (_, k) => first + k,
    );
    await isDue(first, options);
    const at = nowMs();
    for (const index of indexes) sentAt[index] = at;
    const messages = indexes.map((index) => {
      const { data, ...named } = eventAt(index, users);
      const headers = { ...attributes(named, "ce_"), "content-type": "application/json" };
      return { key: named.taskId, value: JSON.stringify(data), headers };
    });
    await producer.send({ topic: "task-events", acks: -1, messages });
  }
  await producer.disconnect();
}
