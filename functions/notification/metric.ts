/** What notification counts beside what every function does. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { SendOutcome } from "./send/sender.ts";
import type { ChannelName } from "./ledger/table.ts";

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
  gaugeSenders(registry, observed.senders);
  gaugeDue(registry, observed);
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

type Collect = (set: (channel: ChannelName, value: number) => void) => void | Promise<void>;

/** Asked whenever Prometheus reads. */
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

function gaugeSenders(registry: Registry, senders: Observed["senders"]): void {
  gauge(registry, "notification_sending", "Messages under way.", (set) => {
    for (const { channel, inFlight } of senders()) set(channel, inFlight);
  });
  gauge(registry, "notification_provider_down", "1 while the provider is spared.", (set) => {
    for (const { channel, isDown } of senders()) set(channel, isDown ? 1 : 0);
  });
}

function gaugeDue(registry: Registry, { dueDepth, senders }: Observed): void {
  const collectDue =
    (valueOf: (depth: DueDepth) => number): Collect =>
    async (set) => {
      const depths = await dueDepth().catch(() => undefined);
      if (depths === undefined) return;
      for (const { channel } of senders()) {
        const depth = depths.find((candidate) => candidate.channel === channel);
        set(channel, depth === undefined ? 0 : valueOf(depth));
      }
    };
  const due = "Rows of the ledger that are due and nobody has leased.";
  gauge(
    registry,
    "notification_due",
    due,
    collectDue(({ count }) => count),
  );
  const oldest = "Age of the oldest of them.";
  const ageOf = collectDue(({ oldestSeconds }) => oldestSeconds);
  gauge(registry, "notification_oldest_due_seconds", oldest, ageOf);
}

export const countSend =
  (metrics: NotificationMetrics, channel: ChannelName) => (outcome: SendOutcome) =>
    metrics.sends.inc({ channel, outcome });
