/** `sink` and `delivery`, which KafkaSource, PingSource and Broker share. */
import {
  absentDelivery,
  backoffMs,
  type DeliveryPolicy,
  partialDelivery,
} from "../../knative/delivery/delivery-policy.ts";
import { type Static } from "typebox";
import { isoDurationMs } from "./duration.ts";
import { type Fault, fault, warning } from "../fault.ts";
import { closed, count, name, oneOf, optional } from "./closed.ts";
import { namespace } from "./metadata.ts";
import type { FieldPath } from "../resource.ts";

export const destination = closed(
  {
    ref: optional(
      closed({ apiVersion: name(), kind: name(), name: name(), namespace: optional(namespace()) }, [
        "address",
        "group",
      ]),
    ),
    uri: optional(name()),
  },
  ["CACerts", "audience"],
);

export const delivery = closed(
  {
    retry: optional(count()),
    backoffPolicy: optional(oneOf("linear", "exponential")),
    /** ISO 8601 */
    backoffDelay: optional(name()),
    timeout: optional(name()),
    deadLetterSink: optional(destination),
  },
  ["format", "retryAfterMax"],
);

export type Destination = Static<typeof destination>;
export type Delivery = Static<typeof delivery>;

export function* checkDestination(sink: Destination, path: FieldPath): Iterable<Fault> {
  if (sink.ref === undefined && sink.uri === undefined) {
    yield fault(path, "a sink needs ref or uri");
  }
  if (sink.ref !== undefined && sink.uri !== undefined) {
    if (URL.canParse(sink.uri)) {
      yield fault([...path, "uri"], "a uri beside ref is a path of what ref names, not a URL");
    }
  }
}

// max.poll.interval.ms of the dispatcher: a longer delivery puts its consumer out of the group.
const POLL_INTERVAL_MS = 300_000;

/** The policy that Knative makes of what is written, and of what is not. */
export function toDeliveryPolicy(
  delivery: Delivery | undefined,
  absent: DeliveryPolicy = absentDelivery,
): DeliveryPolicy {
  if (delivery === undefined) return absent;
  const { retry, backoffPolicy, backoffDelay, timeout } = delivery;
  return {
    retry: retry ?? partialDelivery.retry,
    backoffPolicy: backoffPolicy ?? partialDelivery.backoffPolicy,
    backoffDelayMs: durationMs(backoffDelay) ?? partialDelivery.backoffDelayMs,
    timeoutMs: durationMs(timeout) ?? partialDelivery.timeoutMs,
  };
}

const durationMs = (text: string | undefined): number | null =>
  text === undefined ? null : isoDurationMs(text);

export function* checkDelivery(delivery: Delivery, path: FieldPath): Iterable<Fault> {
  for (const field of ["backoffDelay", "timeout"] as const) {
    const text = delivery[field];
    if (text !== undefined && isoDurationMs(text) === null) {
      yield fault(
        [...path, field],
        `${field} must be an ISO 8601 duration like PT0.5S, not "${text}"`,
      );
    }
  }
  if (delivery.timeout !== undefined && isoDurationMs(delivery.timeout) === 0) {
    yield fault([...path, "timeout"], "timeout must be above 0");
  }
  if (delivery.deadLetterSink !== undefined) {
    yield* checkDestination(delivery.deadLetterSink, [...path, "deadLetterSink"]);
  }
  yield* warnOfDefaults(delivery, path);
}

function* warnOfDefaults(delivery: Delivery, path: FieldPath): Iterable<Fault> {
  const fields = ["retry", "backoffPolicy", "backoffDelay", "timeout", "deadLetterSink"] as const;
  const missing = fields.filter((field) => delivery[field] === undefined);
  if (missing.length > 0) {
    const sense = delivery.retry === undefined ? "without retry, nothing is tried again" : "";
    const cost = delivery.deadLetterSink === undefined ? "what fails is dropped" : "";
    const why = [sense, cost].filter(Boolean).join(", ") || "Knative fills in its own values";
    yield warning(path, `delivery lacks ${missing.join(", ")}: ${why}`);
  }
  const longestMs = longestDeliveryMs(toDeliveryPolicy(delivery));
  if (longestMs > POLL_INTERVAL_MS) {
    const seconds = Math.round(longestMs / 1_000);
    yield warning(
      path,
      `one delivery may take ${String(seconds)} s with its retries: above 300 s its consumer is put out of the group`,
    );
  }
}

/** timeout × attempts + the waits between them. */
function longestDeliveryMs(policy: DeliveryPolicy): number {
  const waits = Array.from({ length: policy.retry }, (_, index) => backoffMs(policy, index + 1));
  return waits.reduce((sum, ms) => sum + ms, policy.timeoutMs * (policy.retry + 1));
}
