/** What notification counts beside what every function does. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { SendOutcome } from "./sender.ts";
import type { ChannelName } from "./table.ts";

export interface DueDepth {
  readonly channel: ChannelName;
  readonly count: number;
  readonly oldestSeconds: number;
}

export interface NotificationMetrics {
  readonly sends: Counter<"channel" | "outcome">;
  readonly differing: Counter;
}

export interface Observed {
  /** Asked when Prometheus reads, and left as it was where the database does not answer. */
  readonly dueDepth: () => Promise<readonly DueDepth[]>;
  readonly senders: () => readonly { channel: ChannelName; inFlight: number; isDown: boolean }[];
}

export function openMetrics(registry: Registry, observed: Observed): NotificationMetrics {
  const registers = [registry];
  const sending = gauge("notification_sending", "Messages under way.", registry);
  const down = gauge("notification_provider_down", "1 while the provider is spared.", registry);
  const oldest = gauge("notification_oldest_due_seconds", "Age of the oldest due row.", registry);
  const due = new Gauge({
    name: "notification_due",
    help: "Rows of the ledger that are due and nobody has leased.",
    labelNames: ["channel"],
    registers: [],
    async collect() {
      for (const { channel, inFlight, isDown } of observed.senders()) {
        sending.set({ channel }, inFlight);
        down.set({ channel }, isDown ? 1 : 0);
      }
      const depths = await observed.dueDepth().catch(() => undefined);
      if (depths === undefined) return;
      for (const { channel } of observed.senders()) {
        const depth = depths.find((candidate) => candidate.channel === channel);
        this.set({ channel }, depth?.count ?? 0);
        oldest.set({ channel }, depth?.oldestSeconds ?? 0);
      }
    },
  });
  registry.registerMetric(due);
  return {
    sends: new Counter({
      name: "notification_sends_total",
      help: "Notifications by channel and outcome.",
      labelNames: ["channel", "outcome"] satisfies ("channel" | "outcome")[],
      registers,
    }),
    differing: new Counter({
      name: "notification_duplicates_differing_total",
      help: "Events with a known source and id but other content: dead-lettered.",
      registers,
    }),
  };
}

const gauge = (name: string, help: string, registry: Registry) =>
  new Gauge({ name, help, labelNames: ["channel"], registers: [registry] });

export const countSend =
  (metrics: NotificationMetrics, channel: ChannelName) => (outcome: SendOutcome) =>
    metrics.sends.inc({ channel, outcome });
