/** `targets.components.<name>.outbound` of a Resiliency: how often a sidecar asks a state store, and for how long. */
import { setTimeout as delay } from "node:timers/promises";
import { DaprError } from "../dapr-error.ts";
import type { RetryPolicy } from "../sidecar.ts";
import { nextAttempt } from "../subscription/retry.ts";
import type { StateStore } from "./state-store.ts";

export interface OutboundPolicy {
  /** Of each attempt. */
  timeoutMs?: number;
  retry?: RetryPolicy;
}

/** What a store refuses (a 409, a 400) is not asked again. */
export function withPolicy(store: StateStore, policy: OutboundPolicy): StateStore {
  const ask = <Answer>(work: () => Promise<Answer>): Promise<Answer> => repeat(policy, work);
  return {
    get: (key) => ask(() => store.get(key)),
    set: (write) => ask(() => store.set(write)),
    delete: (key, etag) => ask(() => store.delete(key, etag)),
  };
}

async function repeat<Answer>(
  { timeoutMs, retry }: OutboundPolicy,
  work: () => Promise<Answer>,
): Promise<Answer> {
  for (let failures = 1; ; failures++) {
    try {
      return await within(timeoutMs, work());
    } catch (error) {
      const isFinal = error instanceof DaprError && error.status < 500;
      const { waitMs, exhausted } = nextAttempt(failures, retry);
      if (isFinal || exhausted) throw error;
      await delay(waitMs);
    }
  }
}

async function within<Answer>(ms: number | undefined, work: Promise<Answer>): Promise<Answer> {
  if (ms === undefined) return work;
  const late = Promise.withResolvers<never>();
  const error = new DaprError(500, "ERR_STATE_GET", `no answer in ${String(ms)} ms`);
  const timer = setTimeout(() => late.reject(error), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
