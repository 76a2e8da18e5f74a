/** One redrive at a time, whoever starts it and wherever: membership of a consumer group. */
import { hostname } from "node:os";
import { UsageError } from "../../lib/host/error.ts";
import type { KafkaSession } from "../topic/session.ts";
import { ledgerTopic } from "./redrive-ledger.ts";

export const redriveGroup = "task-events-redrive";

export interface RedriveLock extends AsyncDisposable {
  /** Aborted when another one has it: by a pause longer than the session, or two that began in the same moment. */
  readonly lost: AbortSignal;
}

const sessionTimeoutMs = 30_000;

export async function takeLock(
  { kafka, admin }: KafkaSession,
  deadLetterTopic: string,
): Promise<RedriveLock> {
  const topic = ledgerTopic(deadLetterTopic);
  const groupId = `${redriveGroup}-${deadLetterTopic}`;
  const [group] = (await admin.describeGroups([groupId])).groups;
  const [holder] = group?.members ?? [];
  if (holder !== undefined) throw taken(holder.clientId);
  const lost = new AbortController();
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    maxWaitTimeInMs: 250,
  });
  const { promise: joined, resolve, reject } = Promise.withResolvers<boolean>();
  // Who was given the ledger's partition has the lock.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const isHeld = payload.memberAssignment[topic]?.includes(0) ?? false;
    resolve(isHeld);
    if (!isHeld) lost.abort();
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    reject(payload.error);
    lost.abort();
  });
  const release = async (): Promise<void> => {
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => undefined);
  };
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    if (!(await joined)) throw taken(hostname());
  } catch (error) {
    await release();
    throw error;
  }
  return { lost: lost.signal, [Symbol.asyncDispose]: release };
}

const taken = (holder: string): UsageError =>
  new UsageError(
    `Another redrive runs (${holder}): wait until it has ended. One that was killed lets go after ${sessionTimeoutMs / 1000} seconds.`,
  );
