/** What the audit log counts besides what every function does. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface AuditMetrics {
  readonly batchRows: Histogram;
  readonly commitRetries: Counter;
  readonly duplicates: Counter<"content">;
  readonly redeliveries: Counter;
  readonly generationAlarms: Counter;
}

export function openAuditMetrics(registry: Registry): AuditMetrics {
  const metrics = openMetrics([registry]);
  // Told as 0 from the start, so that Prometheus sees the first ones.
  for (const content of ["same", "different"]) metrics.duplicates.inc({ content }, 0);
  return metrics;
}

function openMetrics(registers: Registry[]): AuditMetrics {
  return {
    batchRows: new Histogram({
      name: "task_events_audit_batch_rows",
      help: "Events that shared one commit.",
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    }),
    commitRetries: new Counter({
      name: "task_events_audit_commit_retries_total",
      help: "Batches committed again after the database failed.",
      registers,
    }),
    duplicates: new Counter({
      name: "task_events_audit_duplicates_total",
      help: "Second records of an event that has its entry, by whether they say the same.",
      labelNames: ["content"],
      registers,
    }),
    redeliveries: new Counter({
      name: "task_events_audit_redeliveries_total",
      help: "Records delivered again that were recorded already.",
      registers,
    }),
    generationAlarms: new Counter({
      name: "task_events_audit_generation_alarms_total",
      help: "Times the topic was found re-made behind our back.",
      registers,
    }),
  };
}

/** Asked for when Prometheus reads. Holes are in the view `backlog`: they are there while this function sleeps, too. */
export function gaugeWaiting(registry: Registry, waiting: () => number): void {
  const gauge: Gauge = new Gauge({
    name: "task_events_audit_waiting_events",
    help: "Events that wait for the next commit.",
    registers: [registry],
    collect: () => gauge.set(waiting()),
  });
}
