/** What recurring-task counts besides what every function does. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** `missed`: too old to be caught up. `ended`: due when the series was ended. `replaced`: more than an edit can fire. */
export type SkipReason = "missed" | "ended" | "replaced";

export interface RecurringMetrics {
  readonly published: Counter;
  readonly refused: Counter;
  readonly skipped: Counter<"reason">;
  readonly dueSeries: Gauge;
  readonly outboxEvents: Gauge;
  readonly lagSeconds: Gauge;
  readonly delaySeconds: Histogram;
}

export function openRecurringMetrics(registry: Registry): RecurringMetrics {
  const registers = [registry];
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
    dueSeries: new Gauge({
      name: "task_events_due_series",
      help: "Series with an occurrence due, before the last ping.",
      registers,
    }),
    outboxEvents: new Gauge({
      name: "task_events_outbox_events",
      help: "Occurrences that wait for the Broker, after the last ping.",
      registers,
    }),
    lagSeconds: new Gauge({
      name: "task_events_schedule_lag_seconds",
      help: "How long the oldest occurrence is due that is not published, after the last ping.",
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
