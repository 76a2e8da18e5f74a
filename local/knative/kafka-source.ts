/** KafkaSource: each record of its topics is POSTed to the sink as a CloudEvent, by its delivery policy. */
import { toDelivery } from "../../lib/events/kafka-record.ts";
import { startDispatcher, type DispatcherOptions, type Egress } from "./dispatcher.ts";

export type KafkaSource = Egress;

export interface KafkaSourceOptions extends DispatcherOptions {
  readonly source: KafkaSource;
}

/** Answers are not looked at beyond their status. Resolves when the consumers have joined their group. */
export function startKafkaSource({ source, ...options }: KafkaSourceOptions) {
  return startDispatcher({
    ...options,
    kind: "KafkaSource",
    egress: source,
    toOutgoing(record) {
      const request = toDelivery(record, source);
      return request === undefined ? { loss: unsendable } : { request };
    },
  });
}

const unsendable =
  "dropped: a header value is null or has a control character. Knative drops and commits it silently";
