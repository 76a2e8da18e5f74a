/** How many processes a Knative Service should have: the pod autoscaler's rule, on concurrency. */

export interface Scale {
  /** `autoscaling.knative.dev/min-scale` */
  min: number;
  /** `autoscaling.knative.dev/max-scale`; 0: no limit */
  max: number;
  /** `containerConcurrency`; 0: no limit */
  concurrency: number;
  /** `autoscaling.knative.dev/target`: wanted concurrency of one process. Knative's default: 100, of which 70 % are used */
  target: number;
  /** `autoscaling.knative.dev/window` */
  windowMs: number;
  /** `scale-to-zero-pod-retention-period` and the cluster's grace period, whichever is longer */
  retentionMs: number;
}

/** `container-concurrency-target-percentage`: this share of the target is used before another process is wanted. */
const UTILIZATION = 0.7;

/** One look at the Service. */
export interface Sample {
  at: number;
  /** Requests that wait or are being answered now. */
  concurrency: number;
  /** Whether there was any since the last look. */
  used: boolean;
}

/** `size`: processes now. Samples are the autoscaler's to keep: `recent` drops those that count no longer. */
export function wantedSize(
  samples: readonly Sample[],
  now: number,
  size: number,
  scale: Scale,
): number {
  const { concurrency: latest, used } = samples.at(-1) ?? { concurrency: 0, used: false };
  const window = samples.filter(({ at }) => at > now - scale.windowMs);
  const average =
    window.reduce((sum, { concurrency }) => sum + concurrency, 0) / (window.length || 1);
  const perProcess = targetConcurrency(scale);
  const byLoad = Math.max(Math.ceil(average / perProcess), used ? 1 : 0);
  // Knative's panic mode: twice the capacity is asked for at once, so nobody waits for the average.
  const panic = latest >= 2 * perProcess * Math.max(size, 1);
  const wanted = panic ? Math.max(Math.ceil(latest / perProcess), size) : byLoad;
  return clamp(wanted === 0 ? keepLast(samples, now, size, scale) : wanted, scale);
}

/** The last process stays for the window and the retention period after the last request. */
function keepLast(samples: readonly Sample[], now: number, size: number, scale: Scale): number {
  const lastUsed = samples.findLast(({ used }) => used)?.at ?? -Infinity;
  return now - lastUsed < scale.windowMs + scale.retentionMs ? Math.min(size, 1) : 0;
}

export function recent(samples: readonly Sample[], now: number, scale: Scale): Sample[] {
  return samples.filter(({ at }) => at > now - scale.windowMs - scale.retentionMs);
}

function targetConcurrency({ concurrency, target }: Scale): number {
  const limit = concurrency > 0 ? Math.min(concurrency, target) : target;
  return Math.max(1, limit * UTILIZATION);
}

const clamp = (wanted: number, { min, max }: Scale): number =>
  Math.max(min, max > 0 ? Math.min(wanted, max) : wanted);
