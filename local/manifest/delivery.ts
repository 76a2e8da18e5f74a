/** `sink` and `delivery`, which KafkaSource, PingSource and Broker share. */
import { type Static } from "typebox";
import { closed, count, name, oneOf, optional } from "./field.ts";

export const destination = closed(
  {
    ref: optional(
      closed({ apiVersion: name(), kind: name(), name: name(), namespace: optional(name()) }, [
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
  ["retryAfterMax", "format"],
);

export type Destination = Static<typeof destination>;
export type Delivery = Static<typeof delivery>;
