/** What a revision's annotations and the cluster's config-autoscaler say about its scale. */

export interface Scale {
  /** `min-scale` */
  min: number;
  /** `max-scale`; 0: no limit */
  max: number;
  /** `initial-scale`: kept from the start until so many were ready once. */
  initial: number;
  /** `activation-scale`: from zero to at least so many. */
  activation: number;
  metric: "concurrency" | "rps";
  aggregation: "linear" | "weighted-exponential";
  /** `containerConcurrency`: requests at one process at a time; 0: no limit */
  concurrency: number;
  /** Of the metric, what one process takes at most: `target`, not above `containerConcurrency`. */
  total: number;
  /** Of the metric, what one process shall take: `total` times the utilization. */
  target: number;
  /** `target-burst-capacity`; -1: the activator never leaves the path. */
  burst: number;
  /** `window` */
  windowMs: number;
  /** `panic-window-percentage` of the window */
  panicWindowMs: number;
  /** `panic-threshold-percentage` / 100 */
  panicThreshold: number;
  scaleDownDelayMs: number;
  /** `scale-to-zero-pod-retention-period` */
  retentionMs: number;
}
