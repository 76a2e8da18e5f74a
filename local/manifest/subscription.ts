/** Dapr Subscription (dapr.io/v2alpha1). */
import { type Static } from "typebox";
import { closed, list, name, optional, textMap } from "./field.ts";
import { head } from "./metadata.ts";
import type { Resource } from "./resource.ts";

export const subscription = closed({
  ...head("dapr.io/v2alpha1", "Subscription"),
  spec: closed(
    {
      pubsubname: name(),
      topic: name(),
      routes: closed({ default: name() }, ["rules"]),
      deadLetterTopic: optional(name()),
      metadata: optional(textMap()),
    },
    ["bulkSubscribe"],
  ),
  scopes: optional(list(name())),
});

export type Subscription = Resource<Static<typeof subscription>>;
