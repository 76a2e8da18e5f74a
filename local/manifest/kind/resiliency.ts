/** Dapr Resiliency (dapr.io/v1alpha1). */
import { goDurationMs } from "../field/duration.ts";
import { type Fault, fault } from "../fault.ts";
import type { FieldPath } from "../resource.ts";
import { Type, type Static } from "typebox";
import { closed, list, name, oneOf, optional, textMap } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

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

export type RetryPolicy = Static<typeof retry>;
export type ResiliencyTarget = Static<typeof target>;

export function* checkResiliency({ spec }: Resiliency): Iterable<Fault> {
  const path = ["spec", "policies"];
  for (const [policy, text] of Object.entries(spec.policies.timeouts ?? {})) {
    yield* checkDuration(text, [...path, "timeouts", policy]);
  }
  for (const [policy, { duration, maxInterval }] of Object.entries(spec.policies.retries ?? {})) {
    yield* checkDuration(duration, [...path, "retries", policy, "duration"]);
    yield* checkDuration(maxInterval, [...path, "retries", policy, "maxInterval"]);
  }
  for (const [component, { inbound, outbound }] of Object.entries(spec.targets.components ?? {})) {
    const targetPath = ["spec", "targets", "components", component];
    yield* checkPolicies(spec, inbound, [...targetPath, "inbound"]);
    yield* checkPolicies(spec, outbound, [...targetPath, "outbound"]);
  }
}

function* checkDuration(text: string | undefined, path: FieldPath): Iterable<Fault> {
  if (text !== undefined && goDurationMs(text) === null) {
    yield fault(path, `${String(path.at(-1))} must be a duration like 200ms, not "${text}"`);
  }
}

function* checkPolicies(
  { policies }: Resiliency["spec"],
  found: ResiliencyTarget | undefined,
  path: FieldPath,
): Iterable<Fault> {
  const { timeout, retry: retryName } = found ?? {};
  if (timeout !== undefined && policies.timeouts?.[timeout] === undefined) {
    yield fault([...path, "timeout"], `there is no timeout policy "${timeout}"`);
  }
  if (retryName !== undefined && policies.retries?.[retryName] === undefined) {
    yield fault([...path, "retry"], `there is no retry policy "${retryName}"`);
  }
}
