/** KafkaSource (sources.knative.dev/v1). */
import { type Static } from "typebox";
import { checkDelivery, checkDestination, delivery, destination } from "../field/delivery.ts";
import { type Fault, fault, warning } from "../fault.ts";
import { closed, count, list, name, oneOf, optional } from "../field/closed.ts";
import { checkKeda, head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

export const kafkaSource = closed({
  ...head("sources.knative.dev/v1", "KafkaSource"),
  spec: closed(
    {
      bootstrapServers: list(name(), { minItems: 1 }),
      topics: list(name(), { minItems: 1 }),
      consumerGroup: optional(name()),
      consumers: optional(count()),
      initialOffset: optional(oneOf("earliest", "latest")),
      ordering: optional(oneOf("ordered", "unordered")),
      delivery: optional(delivery),
      sink: destination,
    },
    ["ceOverrides", "net"],
  ),
});

export type KafkaSource = Resource<Static<typeof kafkaSource>>;

const KEY_TYPE_LABEL = "kafkasources.sources.knative.dev/key-type";

export function* checkKafkaSource({ metadata, spec }: KafkaSource): Iterable<Fault> {
  const keyType = metadata.labels?.[KEY_TYPE_LABEL] ?? "string";
  if (keyType !== "string") {
    const sentence = `${KEY_TYPE_LABEL} must be string here, not "${keyType}"`;
    yield fault(["metadata", "labels", KEY_TYPE_LABEL], sentence);
  }
  yield* checkKeda(metadata.annotations);
  yield* checkDestination(spec.sink, ["spec", "sink"]);
  if (spec.delivery !== undefined) yield* checkDelivery(spec.delivery, ["spec", "delivery"]);
  if (spec.consumers === 0) {
    yield fault(["spec", "consumers"], "consumers: 0 is not supported by the local runner");
  }
  if (spec.consumerGroup === undefined) {
    yield warning(
      ["spec"],
      "without consumerGroup, a source made anew starts in a group of its own",
    );
  }
  if (spec.initialOffset !== "earliest") {
    yield warning(
      ["spec"],
      "without initialOffset: earliest, records from before the source are skipped",
    );
  }
}
