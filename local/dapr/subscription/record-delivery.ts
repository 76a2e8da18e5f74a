/** One record after another to the app: its wrapper and headers, its attempts, its end in the dead letter topic. */
import { keepAliveAgent } from "../../keep-alive.ts";
import type { KafkaMessage } from "kafkajs";
import type { Note } from "../../process/note/note.ts";
import { deliver, type Outcome } from "./delivery.ts";
import { wrapRaw } from "../envelope.ts";
import type { Pubsub } from "../pubsub.ts";
import { recordMetadata, toHttpHeaders } from "./record-header.ts";
import { nextAttempt } from "./retry.ts";
import type { DaprSubscription, InboundPolicy } from "../sidecar.ts";

export interface DeliveryOptions {
  subscriptions: readonly DaprSubscription[];
  pubsub: Pubsub;
  inbound: InboundPolicy;
  appPort: () => number | undefined;
  podName: string;
  appApiToken: string | undefined;
  note: Note;
}

export interface PlacedRecord {
  topic: string;
  partition: number;
  message: KafkaMessage;
}

/** Where no policy names one: an app that never answers must not hold a partition for ever. */
const DEFAULT_TIMEOUT_MS = 60_000;
const UNREACHABLE_MS = 50;

export class RecordDelivery implements Disposable {
  readonly #options: DeliveryOptions;
  readonly #byTopic: ReadonlyMap<string, DaprSubscription>;
  readonly #agent = keepAliveAgent();
  /** Attempts that failed, by topic and partition: of the record at its head. */
  readonly #failures = new Map<string, number>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#byTopic = new Map(options.subscriptions.map((each) => [each.topic, each]));
  }

  get topics(): string[] {
    return [...this.#byTopic.keys()];
  }

  /** Null: done with it. A number: to be tried again after so many milliseconds. */
  async take(record: PlacedRecord): Promise<number | null> {
    const { topic, partition, message } = record;
    const place = `${topic}/${String(partition)}`;
    const metadata = recordMetadata(topic, partition, message, this.#options.pubsub.settings);
    const outcome = await this.#deliver(record, metadata);
    if (outcome.verdict === "unreachable") return UNREACHABLE_MS;
    if (outcome.verdict === "retry") return this.#fail(record, metadata, outcome.reason);
    this.#failures.delete(place);
    if (outcome.verdict === "drop") await this.#bury(record, metadata, "dropped by the app");
    return null;
  }

  /** Breaks off what is under way: the record is delivered again later. */
  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #deliver(
    { topic, message: { value } }: PlacedRecord,
    metadata: ReadonlyMap<string, Buffer>,
  ): Promise<Outcome> {
    const { appPort, inbound, pubsub, appApiToken } = this.#options;
    const subscription = this.#byTopic.get(topic);
    const port = appPort();
    if (port === undefined || subscription === undefined) return { verdict: "unreachable" };
    const isRaw = subscription.metadata["rawPayload"] === "true";
    const wrapped = JSON.stringify(wrapRaw(value, { topic, pubsubName: pubsub.settings.name }));
    const body = isRaw ? Buffer.from(wrapped) : (value ?? Buffer.from("null"));
    if (!isRaw && !isJson(body)) return { verdict: "retry", reason: "the record is no JSON" };
    return deliver({
      port,
      path: subscription.route,
      headers: toHttpHeaders(metadata, appApiToken),
      body,
      timeoutMs: inbound.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      agent: this.#agent,
    });
  }

  async #fail(
    record: PlacedRecord,
    metadata: ReadonlyMap<string, Buffer>,
    reason: string,
  ): Promise<number | null> {
    const place = `${record.topic}/${String(record.partition)}`;
    const failures = (this.#failures.get(place) ?? 0) + 1;
    const { waitMs, exhausted } = nextAttempt(failures, this.#options.inbound.retry);
    if (failures === 1) this.#say(record, `not taken (${reason}); tried again`);
    this.#failures.set(place, exhausted ? 0 : failures);
    if (!exhausted) return waitMs;
    return (await this.#bury(record, metadata, `not taken (${reason})`)) ? null : waitMs;
  }

  /** False without a dead letter topic. The record goes there as it was, with its place among its headers. */
  async #bury(
    record: PlacedRecord,
    metadata: ReadonlyMap<string, Buffer>,
    why: string,
  ): Promise<boolean> {
    const { key, value } = record.message;
    const deadLetterTopic = this.#byTopic.get(record.topic)?.deadLetterTopic;
    if (deadLetterTopic === undefined) {
      this.#say(record, `${why}; there is no dead letter topic`);
      return false;
    }
    this.#say(record, `${why}; to ${deadLetterTopic}`);
    const headers = Object.fromEntries(metadata);
    await this.#options.pubsub.publish(deadLetterTopic, { key, value, headers });
    return true;
  }

  #say({ topic, partition, message }: PlacedRecord, text: string): void {
    const { note, podName } = this.#options;
    note(podName, `${topic}/${String(partition)}@${message.offset} ${text}`, "warning");
  }
}

function isJson(value: Buffer): boolean {
  try {
    JSON.parse(value.toString());
    return true;
  } catch {
    return false;
  }
}
