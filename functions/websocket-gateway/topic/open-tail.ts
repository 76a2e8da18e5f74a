/** Starts to follow the topic, however long Kafka takes to answer. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { openKafka } from "../../../lib/kafka/client.ts";
import type { KafkaEnv } from "../../../lib/kafka/env.ts";
import { kafkaMistake } from "../../../lib/kafka/mistake.ts";
import type { GatewayEnv } from "../env.ts";
import { Tail } from "./tail.ts";
import { topicReader } from "./topic-reader.ts";
import { type Warm, warmUp, type WarmUp } from "./warm-up.ts";

const firstRetryMs = 250;
const maxRetryMs = 5_000;
/** A part of the ring is warm at start, as reading it is most of the time that a start takes. */
const warmShare = 0.25;

/** Resolves with the ring filled, and the group's offsets at its end. Until then the gateway does not listen. */
export async function openTail(env: GatewayEnv, log: Logger): Promise<Tail> {
  const { kafkaTopic: topic, podName: groupId } = env;
  const kafka = openKafka({
    ...env.kafka,
    clientId: `websocket-gateway-${groupId}`,
    onLog: ({ log: { message } }) => log.debug({ kafka: message }, "kafka client"),
    // Tried again as a whole.
    config: { retry: { retries: 2, initialRetryTime: 100 } },
  });
  const records = Math.ceil(env.ringEvents * warmShare);
  const options: WarmUp = { reader: topicReader(kafka, topic), groupId, records };
  const warm = await untilWarm(options, env.kafka, log);
  const limits = { events: env.ringEvents, bytes: env.ringBytes };
  return new Tail({ topic, limits, warmUp: options, log, now: Date.now }, warm);
}

async function untilWarm(options: WarmUp, env: KafkaEnv, log: Logger): Promise<Warm> {
  for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
    try {
      return await warmUp(options);
    } catch (error) {
      const mistake = kafkaMistake(error, env);
      if (mistake !== undefined) throw mistake;
      log.warn({ err: error, retry_ms: retryMs }, "the topic cannot be read yet");
      await delay(retryMs);
    }
  }
}
