/** KafkaSource: each record of its topics is POSTed to the sink as a CloudEvent, by its delivery policy. */
import { once } from "node:events";
import type { EachBatchPayload, Kafka } from "kafkajs";
import { fromKafkaRecord, toDelivery, type KafkaRecord } from "../../lib/events/kafka-record.ts";
import { wrappedType } from "../../lib/events/wrapped.ts";
import { printable, type Report } from "../report.ts";
import { Assignment, type AssignmentSignals } from "./consumer/assignment.ts";
import { deliver } from "./delivery/delivery.ts";
import type { DeliveryPolicy } from "./delivery/delivery-policy.ts";
import { startConsumer } from "./consumer/consumer.ts";
import { openHttpSender, type HttpSender, type SinkRequest } from "./delivery/http-sender.ts";

export interface KafkaSource {
  readonly namespace: string;
  readonly name: string;
  readonly topics: readonly string[];
  readonly consumerGroup: string;
  readonly ordering: "ordered" | "unordered";
  readonly initialOffset: "earliest" | "latest";
  /** Members of the consumer group. */
  readonly consumers: number;
  readonly delivery: DeliveryPolicy;
}

export interface KafkaSourceOptions {
  readonly source: KafkaSource;
  readonly sinkUrl: string;
  /** The function at the sink, as the report calls it; without it, the source's name. */
  readonly functionName?: string | undefined;
  readonly kafka: Kafka;
  readonly report: Report;
  readonly now?: () => Date;
  /** What was settled since the last commit is delivered again after a kill -9, as in Knative. */
  readonly commitIntervalMs?: number;
  /** How long running attempts may take to end when stopped; then they are cut off and come again. */
  readonly drainMs?: number;
}

/** Resolves when the consumers have joined their group. */
export async function startKafkaSource(options: KafkaSourceOptions): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const sender = starting.use(openHttpSender());
  const consumers = Array.from({ length: options.source.consumers }, async () => {
    starting.use(await startOne(options, sender));
  });
  // All, before a failure is told: what was started must be stopped.
  const failed = (await Promise.allSettled(consumers)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  return starting.move();
}

function startOne(options: KafkaSourceOptions, sender: HttpSender): Promise<AsyncDisposable> {
  const { source, kafka, report, commitIntervalMs = 5_000, drainMs = 5_000 } = options;
  return startConsumer({
    kafka,
    groupId: source.consumerGroup,
    topics: source.topics,
    initialOffset: source.initialOffset,
    commitIntervalMs,
    drainMs,
    note: (text, level) => report.note(`KafkaSource ${source.name}`, text, level),
    toRecords,
    newAssignment: (after) =>
      new Assignment<KafkaRecord>({
        ordering: source.ordering,
        after,
        deliver: (record, signals) =>
          deliverRecord(record, signals, options, sender).catch((error: unknown) => {
            // As in the dispatcher: what cannot be handled is dropped; one record must not end the runner.
            report.note(source.name, `${placeOf(record)} dropped: ${String(error)}`, "error");
            return true;
          }),
      }),
  });
}

const toRecords = ({ batch }: EachBatchPayload): KafkaRecord[] =>
  batch.messages.map((message) => ({
    topic: batch.topic,
    partition: batch.partition,
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    headers: message.headers ?? {},
    value: message.value,
  }));

/** Resolves with whether the record may be committed. */
async function deliverRecord(
  record: KafkaRecord,
  signals: AssignmentSignals,
  options: KafkaSourceOptions,
  sender: HttpSender,
): Promise<boolean> {
  const { source, sinkUrl, report, now = () => new Date() } = options;
  const { functionName = source.name } = options;
  const message = toDelivery(record, source);
  const onLoss = (sentence: string) =>
    report.note(functionName, `${placeOf(record, message)} ${sentence}`, "error");
  if (message === undefined) {
    onLoss("dropped: a header value is null or has a control character. Knative does so silently");
    return true;
  }
  const event = identityOf(record, message, now());
  Object.assign(message.headers, { prefer: "reply", "kn-namespace": source.namespace });
  const settlement = await deliver(
    message,
    { sinkUrl, policy: source.delivery },
    {
      sender,
      ...signals,
      onLoss,
      onAttempt: (attempt) =>
        report.delivery({ function: functionName, event, at: now(), ...attempt }),
    },
  );
  if (settlement === "stuck" && !signals.stopping.aborted) await once(signals.stopping, "abort");
  return settlement === "done" || settlement === "dead-letter" || settlement === "dropped";
}

const placeOf = (record: KafkaRecord, message?: SinkRequest): string =>
  `event ${printable(message?.headers["ce-id"] ?? "?")} (${record.topic} ${record.partition}/${record.offset})`;

/** A wrapped record is called what functions and console call it, not what the wrapper does. */
function identityOf(record: KafkaRecord, { headers }: SinkRequest, receivedAt: Date) {
  const inner =
    headers["ce-type"] === wrappedType ? fromKafkaRecord(record, receivedAt) : undefined;
  return {
    source: inner?.source ?? headers["ce-source"] ?? "",
    id: inner?.id ?? headers["ce-id"] ?? "",
    type: inner?.type ?? headers["ce-type"] ?? "",
  };
}
