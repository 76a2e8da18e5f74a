/** When a failed delivery is tried again, and how long after: `spec.delivery` of a KafkaSource or Trigger. */

export interface DeliveryPolicy {
  /** Attempts after the first. */
  readonly retry: number;
  readonly backoffPolicy: "linear" | "exponential";
  readonly backoffDelayMs: number;
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** Absent: what fails is dropped. */
  readonly deadLetterSinkUrl?: string | undefined;
}

/** What the controller writes for a KafkaSource that has no `delivery` at all. */
export const absentDelivery: DeliveryPolicy = {
  retry: 10,
  backoffPolicy: "exponential",
  backoffDelayMs: 300,
  timeoutMs: 600_000,
};

/** What the webhook writes for a Broker that has no `delivery` (`config-br-defaults`), for its Triggers without one. */
export const brokerDelivery: DeliveryPolicy = {
  retry: 10,
  backoffPolicy: "exponential",
  backoffDelayMs: 200,
  timeoutMs: 600_000,
};

/** What a present `delivery` is given for the fields that it lacks: above all, no retry. */
export const partialDelivery: DeliveryPolicy = {
  retry: 0,
  backoffPolicy: "exponential",
  backoffDelayMs: 200,
  timeoutMs: 600_000,
};

/** No jitter and no cap, as in the dispatcher. `retry` counts from 1, so the first exponential wait is twice the delay. */
export function backoffMs(policy: DeliveryPolicy, retry: number): number {
  return policy.backoffPolicy === "linear"
    ? policy.backoffDelayMs * retry
    : policy.backoffDelayMs * 2 ** retry;
}

export const isSuccess = (status: number): boolean => status < 300;

// 404: the subscriber may be becoming ready. 408 and 429 ask for another try by their meaning. 409 is a conflict
// that may pass. Every other answer from 300 to 499 will not change: it goes to the dead letter sink at once.
const retriedBelow500 = new Set([404, 408, 409, 429]);

/** Null is no answer at all: refused, reset or timed out. `Retry-After` is not looked at. */
export const isRetried = (status: number | null): boolean =>
  status === null || status >= 500 || retriedBelow500.has(status);
