/** What recurring-task counts besides what every function does. What is still to be published is in the view `backlog`. */
import { Counter, Histogram, type Registry } from "prom-client";

/** `missed`: too old to be caught up. `ended`: due when the series was ended. `replaced`: more than an edit can fire. */
export type SkipReason = "missed" | "ended" | "replaced";

export interface RecurringMetrics {
  readonly published: Counter;
  readonly refused: Counter;
  readonly skipped: Counter<"reason">;
  readonly delaySeconds: Histogram;
}

export function openRecurringMetrics(registry: Registry): RecurringMetrics {
  const metrics = openMetrics([registry]);
  // Told as 0 from the start, so that Prometheus sees the first ones.
  for (const reason of ["missed", "ended", "replaced"] satisfies SkipReason[]) {
    metrics.skipped.inc({ reason }, 0);
  }
  return metrics;
}

function openMetrics(registers: Registry[]): RecurringMetrics {
  return {
    published: new Counter({
      name: "task_events_occurrences_published_total",
      help: "Occurrences that the Broker has stored.",
      registers,
    }),
    refused: new Counter({
      name: "task_events_occurrences_refused_total",
      help: "Attempts that the Broker refused for good; the occurrence is kept.",
      registers,
    }),
    skipped: new Counter({
      name: "task_events_occurrences_skipped_total",
      help: "Occurrences that are not published, at least: of each series and ping 100 are counted.",
      labelNames: ["reason"],
      registers,
    }),
    delaySeconds: new Histogram({
      name: "task_events_occurrence_delay_seconds",
      help: "From an occurrence's instant to its decision.",
      buckets: [1, 5, 15, 30, 60, 90, 120, 300, 900, 3600, 86_400],
      registers,
    }),
  };
}
