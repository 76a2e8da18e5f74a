/** What notification counts beside what every function does. What is still to be sent is in the view `backlog`. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { SendOutcome } from "./send/sender.ts";
import type { ChannelName } from "./ledger/table.ts";

export interface NotificationMetrics {
  readonly sends: Counter<"channel" | "outcome">;
  readonly differing: Counter;
}

/** Asked when Prometheus reads. */
export type Senders = () => readonly { channel: ChannelName; inFlight: number; isDown: boolean }[];

export function openMetrics(registry: Registry, senders: Senders): NotificationMetrics {
  gaugeSenders(registry, senders);
  const registers = [registry];
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

type Collect = (set: (channel: ChannelName, value: number) => void) => void;

function gauge(registry: Registry, name: string, help: string, collect: Collect): void {
  const asked = new Gauge({
    name,
    help,
    labelNames: ["channel"],
    registers: [],
    collect: () => collect((channel, value) => asked.set({ channel }, value)),
  });
  registry.registerMetric(asked);
}

function gaugeSenders(registry: Registry, senders: Senders): void {
  gauge(registry, "notification_sending", "Messages under way.", (set) => {
    for (const { channel, inFlight } of senders()) set(channel, inFlight);
  });
  gauge(registry, "notification_provider_down", "1 while the provider is spared.", (set) => {
    for (const { channel, isDown } of senders()) set(channel, isDown ? 1 : 0);
  });
}

export const countSend =
  (metrics: NotificationMetrics, channel: ChannelName) => (outcome: SendOutcome) =>
    metrics.sends.inc({ channel, outcome });
