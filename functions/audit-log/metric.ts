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
  const registers = [registry];
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

/** Gauges that are asked for when Prometheus reads them. */
export function gaugeAuditState(
  registry: Registry,
  state: { waiting: () => number; holes: () => Promise<ReadonlyMap<number, number>> },
): void {
  const waiting = new Gauge({
    name: "task_events_audit_waiting_events",
    help: "Events that wait for the next commit.",
    registers: [],
    collect() {
      this.set(state.waiting());
    },
  });
  const holes = new Gauge({
    name: "task_events_audit_hole_offsets",
    help: "Offsets before the last recorded one of a partition that are not recorded.",
    labelNames: ["partition"],
    registers: [],
    async collect() {
      for (const [partition, count] of await state.holes()) this.set({ partition }, count);
    },
  });
  registry.registerMetric(waiting);
  registry.registerMetric(holes);
}
