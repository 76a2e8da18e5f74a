/** Broker (eventing.knative.dev/v1) of class Kafka. */
import { type Static } from "typebox";
import { type Fault, fault, warning } from "../fault.ts";
import { closed, name, oneOf, optional } from "../field/closed.ts";
import { checkDelivery, delivery } from "../field/delivery.ts";
import { head, namespace } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

export const broker = closed({
  ...head("eventing.knative.dev/v1", "Broker"),
  spec: closed({
    /** Absent, it would be that of another class of Broker, and this one never ready. */
    config: closed({
      apiVersion: oneOf("v1"),
      kind: oneOf("ConfigMap"),
      name: name(),
      namespace: optional(namespace()),
    }),
    delivery: optional(delivery),
  }),
});

export const CLASS_ANNOTATION = "eventing.knative.dev/broker.class";
/** A topic that is there already; without it, Knative makes one. */
export const EXTERNAL_TOPIC_ANNOTATION = "kafka.eventing.knative.dev/external.topic";

export type Broker = Resource<Static<typeof broker>>;

export function* checkBroker({ metadata, spec }: Broker): Iterable<Fault> {
  const annotations = metadata.annotations ?? {};
  if (annotations[CLASS_ANNOTATION] !== "Kafka") {
    yield fault(
      ["metadata", "annotations", CLASS_ANNOTATION],
      `the local runner has Brokers of class Kafka alone: set the annotation ${CLASS_ANNOTATION}`,
    );
  }
  for (const annotation of Object.keys(annotations)) {
    const isKnown = annotation === EXTERNAL_TOPIC_ANNOTATION;
    if (isKnown || !annotation.startsWith("kafka.eventing.knative.dev/")) continue;
    const sentence = `${annotation} means nothing to a Broker (known: ${EXTERNAL_TOPIC_ANNOTATION})`;
    yield warning(["metadata", "annotations", annotation], sentence);
  }
  if (spec.delivery !== undefined) yield* checkDelivery(spec.delivery, ["spec", "delivery"]);
}
