/** KafkaSource (sources.knative.dev/v1). */
import { type Static } from "typebox";
import { delivery, destination } from "./delivery.ts";
import { closed, count, list, name, oneOf, optional } from "./field.ts";
import { head } from "./metadata.ts";
import type { Resource } from "./resource.ts";

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
