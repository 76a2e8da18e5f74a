/** Broker (eventing.knative.dev/v1) of class Kafka on a topic that exists. */
import { type Static } from "typebox";
import { closed, name, optional, text } from "./field.ts";
import { head } from "./metadata.ts";
import type { Resource } from "./resource.ts";

export const broker = closed({
  ...head("eventing.knative.dev/v1", "Broker"),
  spec: closed(
    {
      config: optional(
        closed({ apiVersion: text(), kind: text(), name: name(), namespace: optional(name()) }),
      ),
    },
    ["delivery"],
  ),
});

export const CLASS_ANNOTATION = "eventing.knative.dev/broker.class";
export const EXTERNAL_TOPIC_ANNOTATION = "kafka.eventing.knative.dev/external.topic";

export type Broker = Resource<Static<typeof broker>>;
