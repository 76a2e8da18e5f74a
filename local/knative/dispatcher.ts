/** What KafkaSource and Trigger have in common: records of topics, read by a consumer group, delivered and committed. */
import { once } from "node:events";
import type { EachBatchPayload, Kafka } from "kafkajs";
import { fromKafkaRecord, type Delivery, type KafkaRecord } from "../../lib/events/kafka-record.ts";
import { wrappedType } from "../../lib/events/wrapped.ts";
import type { NoteLevel } from "../process/note/note.ts";
import { printable, type Report } from "../report.ts";
import { Assignment, type AssignmentSignals } from "./consumer/assignment.ts";
import { startConsumer } from "./consumer/consumer.ts";
import { commitEnds } from "./consumer/initial-offset.ts";
import { deliver, type TakeAnswer } from "./delivery/delivery.ts";
import type { DeliveryPolicy } from "./delivery/delivery-policy.ts";
import {
  openHttpSender,
  type DoorOf,
  type HttpSender,
  type SinkRequest,
} from "./delivery/http-sender.ts";

/** Who reads what, and how it is delivered. */
export interface Egress {
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

export interface DispatcherOptions {
  readonly sinkUrl: string;
  /** The function at the sink, as the report calls it; without it, the egress' name. */
  readonly functionName?: string | undefined;
  readonly kafka: Kafka;
  readonly report: Report;
  readonly doorOf?: DoorOf;
  readonly now?: () => Date;
  /** What was settled since the last commit is delivered again after a kill -9, as in Knative. */
  readonly commitIntervalMs?: number;
  /** How long running attempts may take to end when stopped; then they are cut off and come again. */
  readonly drainMs?: number;
}

/** What is sent for a record. Without a request it is committed at once; a `loss` says what Knative does silently. */
export type Outgoing = { readonly request: Delivery } | { readonly loss: string } | undefined;

export interface Dispatch extends DispatcherOptions {
  readonly kind: "KafkaSource" | "Trigger";
  readonly egress: Egress;
  readonly toOutgoing: (record: KafkaRecord) => Outgoing;
  /** Of an answer's body that is kept. */
  readonly keptBodyBytes?: number;
  readonly takeAnswer?: TakeAnswer;
}

/** Resolves when the consumers have joined their group. */
export async function startDispatcher(dispatch: Dispatch): Promise<AsyncDisposable> {
  const { egress, kafka, keptBodyBytes, doorOf } = dispatch;
  if (egress.initialOffset === "latest") {
    await commitEnds(kafka, egress.consumerGroup, egress.topics);
  }
  await using starting = new AsyncDisposableStack();
  const sender = starting.use(openHttpSender({ keptBodyBytes, doorOf }));
  const consumers = Array.from({ length: egress.consumers }, async () => {
    starting.use(await startOne(dispatch, sender));
  });
  // All, before a failure is told: what was started must be stopped.
  const failed = (await Promise.allSettled(consumers)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  return starting.move();
}

function startOne(dispatch: Dispatch, sender: HttpSender): Promise<AsyncDisposable> {
  const { kind, egress, kafka, report, commitIntervalMs = 5_000, drainMs = 5_000 } = dispatch;
  return startConsumer({
    kafka,
    groupId: egress.consumerGroup,
    topics: egress.topics,
    initialOffset: egress.initialOffset,
    commitIntervalMs,
    drainMs,
    note: (text, level) => report.note(`${kind} ${egress.name}`, text, level),
    toRecords,
    newAssignment: (after) =>
      new Assignment<KafkaRecord>({
        ordering: egress.ordering,
        after,
        deliver: (record, signals) =>
          deliverRecord(record, signals, dispatch, sender).catch((error: unknown) => {
            // As in the dispatcher: what cannot be handled is dropped; one record must not end the runner.
            report.note(egress.name, `${placeOf(record)} dropped: ${String(error)}`, "error");
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
  dispatch: Dispatch,
  sender: HttpSender,
): Promise<boolean> {
  const { egress, sinkUrl, report, takeAnswer, now = () => new Date() } = dispatch;
  const { functionName = egress.name } = dispatch;
  const outgoing = dispatch.toOutgoing(record);
  const message = outgoing && "request" in outgoing ? outgoing.request : undefined;
  // A function may have several Triggers, and only one whose filter drops.
  const subject = dispatch.kind === "Trigger" ? `Trigger ${egress.name}` : functionName;
  const say = (sentence: string, level: NoteLevel) =>
    report.note(subject, `${placeOf(record, message)} ${sentence}`, level);
  const onLoss = (sentence: string) => say(sentence, "error");
  if (message === undefined) {
    if (outgoing && "loss" in outgoing) onLoss(outgoing.loss);
    return true;
  }
  if (message.replaced.length > 0) {
    const which = message.replaced.map(printable).join(", ");
    const sentence = `changed: ? is sent for what Latin-1 has not, in ${which}. Knative does so silently`;
    say(sentence, "warning");
  }
  const event = identityOf(record, message, now());
  const headers = { ...message.headers, prefer: "reply", "kn-namespace": egress.namespace };
  const settlement = await deliver(
    { headers, body: message.body },
    { sinkUrl, policy: egress.delivery },
    {
      sender,
      ...signals,
      onLoss,
      onRedirect: () =>
        onLoss("redirected: a GET counts as its delivery. Knative does so silently"),
      onAttempt: (attempt) =>
        report.delivery({ function: functionName, event, at: now(), ...attempt }),
      ...(takeAnswer && { takeAnswer }),
    },
  );
  if (settlement === "stuck" && !signals.stopping.aborted) await once(signals.stopping, "abort");
  return settlement === "done" || settlement === "dead-letter" || settlement === "dropped";
}

function placeOf(
  { topic, partition, offset, headers }: KafkaRecord,
  message?: SinkRequest,
): string {
  const id = message?.headers["ce-id"] ?? String(headers["ce_id"] ?? "?");
  return `event ${printable(id)} (${topic} ${partition}/${offset})`;
}

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
