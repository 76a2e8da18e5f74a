/** When a record whose delivery failed is tried again: the Resiliency's policy, then the component's own, for ever. */
import type { InboundPolicy } from "../sidecar.ts";

/** `backOffDuration` of the component. */
const COMPONENT_WAIT_MS = 5_000;
/** Of Dapr's exponential policy; `duration` is the constant one's alone. */
const INITIAL_MS = 500;
const MULTIPLIER = 1.5;

export interface NextAttempt {
  waitMs: number;
  /** The policy has no more: the record goes to the dead letter topic where there is one, else the policy begins anew. */
  exhausted: boolean;
}

/** `failures`: attempts of this policy that have failed, at least 1. */
export function nextAttempt(failures: number, retry: InboundPolicy["retry"]): NextAttempt {
  if (retry === undefined || (retry.maxRetries >= 0 && failures > retry.maxRetries)) {
    return { waitMs: COMPONENT_WAIT_MS, exhausted: true };
  }
  const exponential = INITIAL_MS * MULTIPLIER ** (failures - 1);
  const waitMs =
    retry.policy === "constant"
      ? retry.durationMs
      : Math.min(exponential, retry.maxIntervalMs ?? Infinity);
  return { waitMs, exhausted: false };
}
