/** A sidecar's consumer group: joined when the app is up, in order in each partition, committed after the app's ack. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, EachBatchPayload } from "kafkajs";
import { RecordDelivery, type DeliveryOptions } from "./record-delivery.ts";

const APP_PROBE_MS = 50;
const REJOIN_MS = 1_000;
/** `consumer.disconnect()` waits for the long poll. */
const POLL_MS = 200;
const PARTITIONS_AT_ONCE = 64;

export class TopicSubscription implements AsyncDisposable {
  readonly #options: DeliveryOptions;
  readonly #delivery: RecordDelivery;
  readonly #stopping = new AbortController();
  #running: Promise<void>;
  #consumer: Consumer | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#delivery = new RecordDelivery(options);
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#delivery[Symbol.dispose]();
    await this.#consumer?.disconnect().catch(() => undefined);
  }

  /** As daprd does: the group is joined when the app's port is open, and not left while the app is started again. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !(await isOpen(this.#options.appPort()))) {
      await this.#pause(APP_PROBE_MS);
    }
    while (!signal.aborted) {
      try {
        await this.#join();
        return;
      } catch (error) {
        const { note, podName } = this.#options;
        note(podName, `cannot subscribe: ${String(error)}`, "warning");
        await this.#pause(REJOIN_MS);
      }
    }
  }

  async #join(): Promise<void> {
    const { kafka, settings } = this.#options.pubsub;
    const consumer = kafka.consumer({
      groupId: settings.consumerGroup,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: settings.heartbeatMs,
      maxWaitTimeInMs: POLL_MS,
      allowAutoTopicCreation: false,
      // Kafka may be away for long; the sidecar waits.
      retry: { restartOnFailure: () => Promise.resolve(!this.#stopping.signal.aborted) },
    });
    try {
      await consumer.connect();
      const fromBeginning = settings.initialOffset === "oldest";
      await consumer.subscribe({ topics: this.#delivery.topics, fromBeginning });
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) this.#running = this.#rejoin(consumer);
      });
      await consumer.run({
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
        eachBatch: (payload) => this.#takeBatch(payload),
      });
      this.#consumer = consumer;
    } catch (error) {
      await consumer.disconnect().catch(() => undefined);
      throw error;
    }
  }

  async #rejoin(crashed: Consumer): Promise<void> {
    await crashed.disconnect().catch(() => undefined);
    await this.#run();
  }

  /** Goes no further than the first record that is not acknowledged; its partition then pauses, the others do not. */
  async #takeBatch(payload: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = payload.batch;
    const beatMs = this.#options.pubsub.settings.heartbeatMs;
    // A slow app must not cost the membership. What the heartbeat says is heard by the one in the loop.
    const beat = setInterval(() => void payload.heartbeat().catch(() => undefined), beatMs);
    try {
      for (const message of messages) {
        if (!payload.isRunning() || payload.isStale() || this.#stopping.signal.aborted) return;
        const waitMs = await this.#delivery.take({ topic, partition, message });
        if (waitMs !== null) {
          void this.#pause(waitMs).then(payload.pause());
          return;
        }
        payload.resolveOffset(message.offset);
        await payload.heartbeat();
      }
    } finally {
      clearInterval(beat);
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

function isOpen(port: number | undefined): Promise<boolean> {
  if (port === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
