/** One pubsub.kafka component of a sidecar: its settings, its client, its producer. */
import type { Kafka, Producer } from "kafkajs";
import { openKafka } from "../../lib/kafka/client.ts";
import type { KafkaEnv, Sasl } from "../../lib/kafka/env.ts";
import type { DaprComponent } from "./sidecar.ts";

/** Defaults as `common/component/kafka/metadata.go` has them. */
export interface PubsubSettings {
  name: string;
  consumerGroup: string;
  initialOffset: "newest" | "oldest";
  escapeHeaders: boolean;
  excludeHeaders: RegExp | undefined;
  sessionTimeoutMs: number;
  heartbeatMs: number;
}

export interface Pod {
  appId: string;
  podName: string;
  namespace: string;
}

export class Pubsub implements AsyncDisposable {
  readonly settings: PubsubSettings;
  readonly kafka: Kafka;
  #producer: Promise<Producer> | undefined;

  constructor(component: DaprComponent, pod: Pod) {
    this.settings = toSettings(component, pod);
    this.kafka = openKafka({ ...toKafka(component), clientId: `dapr-${pod.podName}` });
  }

  async publish(
    topic: string,
    message: {
      key: Buffer | string | null;
      value: Buffer | string | null;
      headers: Record<string, Buffer | string>;
    },
  ): Promise<void> {
    const producer = await (this.#producer ??= this.#connect());
    // What the component keeps from an app it does not write either.
    const headers = Object.entries(message.headers).filter(
      ([name]) => this.settings.excludeHeaders?.test(name) !== true,
    );
    const messages = [{ ...message, headers: Object.fromEntries(headers) }];
    await producer.send({ topic, acks: -1, messages });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined);
    await producer?.disconnect();
  }

  async #connect(): Promise<Producer> {
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      this.#producer = undefined;
      throw error;
    }
  }
}

function toSettings({ name, metadata }: DaprComponent, pod: Pod): PubsubSettings {
  const { consumerGroup, consumerID, initialOffset, excludeHeaderMetaRegex } = metadata;
  const group = consumerGroup ?? consumerID ?? pod.appId;
  return {
    name,
    consumerGroup: group
      .replaceAll("{podName}", pod.podName)
      .replaceAll("{appID}", pod.appId)
      .replaceAll("{namespace}", `${pod.namespace}.${pod.appId}`)
      .replaceAll("{uuid}", () => crypto.randomUUID()),
    initialOffset: initialOffset === "oldest" ? "oldest" : "newest",
    escapeHeaders: metadata["escapeHeaders"] === "true",
    excludeHeaders: excludeHeaderMetaRegex ? new RegExp(excludeHeaderMetaRegex) : undefined,
    sessionTimeoutMs: durationMs(metadata["sessionTimeout"], 10_000),
    heartbeatMs: durationMs(metadata["heartbeatInterval"], 3_000),
  };
}

const MECHANISMS: Readonly<Record<string, Sasl["mechanism"]>> = {
  "SHA-256": "scram-sha-256",
  "SHA-512": "scram-sha-512",
};

/** TLS unless `disableTls` says otherwise. */
function toKafka({ metadata }: DaprComponent): KafkaEnv {
  const { brokers = "", authType, saslUsername, saslPassword, saslMechanism, caCert } = metadata;
  const mechanism = MECHANISMS[saslMechanism?.toUpperCase() ?? ""] ?? "plain";
  const sasl = { mechanism, username: saslUsername ?? "", password: saslPassword ?? "" };
  return {
    brokers,
    sasl: authType === "password" ? sasl : undefined,
    tls: metadata["disableTls"] === "true" ? undefined : { ca: caCert || undefined },
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** `10s`, `500ms`: what these two settings are written as. */
function durationMs(text: string | undefined, fallback: number): number {
  const [, count, unit = ""] = /^(\d+)(ms|s|m)$/.exec(text ?? "") ?? [];
  return count === undefined ? fallback : Number(count) * (UNIT_MS[unit] ?? 1);
}
