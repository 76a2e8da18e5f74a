/** Broker (eventing.knative.dev/v1) of class Kafka on a topic that exists. */
import { type Static } from "typebox";
import { type Fault, fault } from "../fault.ts";
import { closed, name, optional, text } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

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

export function* checkBroker({ metadata }: Broker): Iterable<Fault> {
  const annotations = metadata.annotations ?? {};
  if (annotations[CLASS_ANNOTATION] !== "Kafka") {
    yield fault(
      ["metadata", "annotations", CLASS_ANNOTATION],
      `the local runner has Brokers of class Kafka alone: set the annotation ${CLASS_ANNOTATION}`,
    );
  }
  if (annotations[EXTERNAL_TOPIC_ANNOTATION] === undefined) {
    yield fault(
      ["metadata", "annotations"],
      `a Broker without the annotation ${EXTERNAL_TOPIC_ANNOTATION} is not supported by the local runner`,
    );
  }
}
