/** Dapr Resiliency (dapr.io/v1alpha1). */
import Type, { type Static } from "typebox";
import { closed, list, name, oneOf, optional, textMap } from "./field.ts";
import { head } from "./metadata.ts";
import type { Resource } from "./resource.ts";

const retry = closed(
  {
    policy: optional(oneOf("constant", "exponential")),
    /** Go durations, e.g. `200ms`. */
    duration: optional(name()),
    maxInterval: optional(name()),
    maxRetries: optional(Type.Integer({ minimum: -1 })),
  },
  ["matching"],
);

const target = closed({ timeout: optional(name()), retry: optional(name()) }, ["circuitBreaker"]);

export const resiliency = closed({
  ...head("dapr.io/v1alpha1", "Resiliency"),
  spec: closed({
    policies: closed(
      { timeouts: optional(textMap()), retries: optional(Type.Record(Type.String(), retry)) },
      ["circuitBreakers"],
    ),
    targets: closed(
      {
        components: optional(
          Type.Record(
            Type.String(),
            closed({ inbound: optional(target), outbound: optional(target) }),
          ),
        ),
      },
      ["actors", "apps"],
    ),
  }),
  scopes: optional(list(name())),
});

export type Resiliency = Resource<Static<typeof resiliency>>;
