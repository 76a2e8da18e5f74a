/** Trigger: each event of its Broker that passes the filter is POSTed to the subscriber, and the reply goes back to the Broker. */
import { cloudEventIn, toDelivery, type KafkaRecord } from "../../lib/events/kafka-record.ts";
import {
  startDispatcher,
  type DispatcherOptions,
  type Egress,
  type Outgoing,
} from "./dispatcher.ts";
import { openRecordProducer } from "./event/record-producer.ts";
import { UnreadableAttributeError } from "./filter/attribute.ts";
import { toFilter, type Filter, type TriggerFilterSpec } from "./filter/filter.ts";
import { maxReplyBytes, replyTo } from "./reply.ts";

export interface Trigger extends Omit<Egress, "topics" | "consumers"> {
  /** Of its Broker. */
  readonly topic: string;
  readonly filter: TriggerFilterSpec;
}

export interface TriggerOptions extends DispatcherOptions {
  readonly trigger: Trigger;
}

/** Resolves when the consumer has joined its group. */
export async function startTrigger({
  trigger,
  ...options
}: TriggerOptions): Promise<AsyncDisposable> {
  const { namespace, name, topic } = trigger;
  const filter = toFilter(trigger.filter);
  await using starting = new AsyncDisposableStack();
  const producer = starting.use(await openRecordProducer(options.kafka));
  const dispatcher = await startDispatcher({
    ...options,
    kind: "Trigger",
    egress: { ...trigger, topics: [topic], consumers: 1 },
    toOutgoing: (record) => toOutgoing(record, filter, { namespace, name }),
    keptBodyBytes: maxReplyBytes,
    takeAnswer: replyTo(topic, producer),
  });
  starting.use(dispatcher);
  return starting.move();
}

/** Undefined where the filter does not pass. */
export function toOutgoing(
  record: KafkaRecord,
  filter: Filter,
  trigger: { namespace: string; name: string },
): Outgoing {
  const event = cloudEventIn(record);
  if (event === undefined) {
    const why = "it is no CloudEvent, or a header value is null";
    return { loss: `dropped: ${why}. A Trigger does so silently` };
  }
  const attributes = new Map(event.attributes)
    .set("knativekafkapartition", String(record.partition))
    .set("knativekafkaoffset", String(record.offset));
  try {
    if (!filter({ attributes, contentType: event.contentType })) return undefined;
  } catch (error) {
    if (!(error instanceof UnreadableAttributeError)) throw error;
    return { loss: `dropped: ${error.message}. A Trigger does so silently` };
  }
  const request = toDelivery(record, trigger);
  if (request !== undefined) return { request };
  return { loss: "dropped: an attribute has a control character. Knative does so silently" };
}
