/** When a function that is not used ends: Serving's pkg/reconciler/autoscaling/kpa/scaler.go, as a pure function. */
import type { Scale } from "./scale.ts";

/** scale-to-zero-grace-period of config-autoscaler: so long must the activator have been in the path. */
const GRACE_MS = 30_000;
/** progress-deadline of config-deployment and the buffer after it: what does not start is given up. */
const ACTIVATION_TIMEOUT_MS = 630_000;

export type Activity = "inactive" | "activating" | "active";

export interface ScaleStatus {
  activity: Activity;
  /** Since when. */
  since: number;
  /** Since when the activator is in the path; undefined: it is not. */
  proxiedSince: number | undefined;
  /** Whether `initial-scale` was reached once. */
  initialized: boolean;
}

/** A revision that was deployed long ago and sleeps. */
export const ASLEEP: ScaleStatus = {
  activity: "inactive",
  since: -Infinity,
  proxiedSince: -Infinity,
  initialized: false,
};

export interface Wish {
  now: number;
  /** Of the autoscaler. */
  wanted: number;
  excessBurst: number;
  /** Processes that are ready. */
  ready: number;
}

export interface Reconciled {
  /** How many there shall be; undefined: as they are. */
  size: number | undefined;
  status: ScaleStatus;
}

export function reconcile(scale: Scale, wish: Wish, status: ScaleStatus): Reconciled {
  const wanted = applyBounds(boundsOf(scale, status), wish.wanted);
  const { size, want } =
    wanted === 0 ? handleScaleToZero(scale, wish.now, status) : { size: wanted, want: wanted };
  return { size, status: nextStatus(scale, wish, status, want) };
}

interface Bounds {
  min: number;
  max: number;
}

const boundsOf = ({ min, max, initial }: Scale, { initialized }: ScaleStatus): Bounds => ({
  min: initialized ? min : Math.max(min, initial),
  max,
});

const applyBounds = ({ min, max }: Bounds, wanted: number): number =>
  wanted < min ? min : max > 0 ? Math.min(wanted, max) : wanted;

/** `want` is what the status is computed from: 0 marks it inactive before anything ends. */
function handleScaleToZero(
  scale: Scale,
  now: number,
  { activity, since, proxiedSince }: ScaleStatus,
): { size: number | undefined; want: number | undefined } {
  const elapsed = now - since;
  if (activity === "activating") {
    return elapsed > ACTIVATION_TIMEOUT_MS
      ? { size: 0, want: 0 }
      : { size: undefined, want: undefined };
  }
  if (activity === "active") {
    return elapsed >= scale.windowMs ? { size: undefined, want: 0 } : { size: 1, want: 1 };
  }
  const ended =
    elapsed >= Math.max(GRACE_MS, scale.retentionMs) ||
    (elapsed >= scale.retentionMs && now - (proxiedSince ?? now) >= GRACE_MS);
  return { size: ended ? 0 : undefined, want: 0 };
}

function nextStatus(
  scale: Scale,
  { now, excessBurst, ready }: Wish,
  status: ScaleStatus,
  want: number | undefined,
): ScaleStatus {
  const threshold = Math.max(boundsOf(scale, status).min, 1);
  const activity = nextActivity(status.activity, want, ready >= threshold);
  const isServed = want !== undefined && want > 0 && excessBurst >= 0;
  return {
    activity,
    since: activity === status.activity ? status.since : now,
    proxiedSince: isServed ? undefined : (status.proxiedSince ?? now),
    initialized: status.initialized || ready >= threshold,
  };
}

function nextActivity(now: Activity, want: number | undefined, isReady: boolean): Activity {
  if (want === 0) return "inactive";
  if (want === undefined && now === "inactive") return "inactive";
  return isReady ? "active" : "activating";
}
