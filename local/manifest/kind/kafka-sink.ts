/** KafkaSink (eventing.knative.dev/v1alpha1). */
import { type Static } from "typebox";
import { closed, list, name, oneOf, optional } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

export const kafkaSink = closed({
  ...head("eventing.knative.dev/v1alpha1", "KafkaSink"),
  spec: closed(
    {
      topic: name(),
      bootstrapServers: list(name(), { minItems: 1 }),
      contentMode: optional(oneOf("binary", "structured")),
    },
    ["auth", "numPartitions", "replicationFactor"],
  ),
});

export type KafkaSink = Resource<Static<typeof kafkaSink>>;
