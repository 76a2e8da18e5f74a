/** What the gateway counts, beside what every function does. */
import { Counter, Gauge, type Registry } from "prom-client";
import { closeCode, type Peer } from "./peer/peer.ts";
import type { ResumeSource } from "./peer/session.ts";
import type { Ring } from "./topic/ring.ts";

export interface GatewayMetrics {
  readonly frames: Counter;
  readonly broadcast: Counter;
  readonly resumes: Counter<"source">;
  readonly closed: Counter<"code">;
  readonly refused: Counter<"reason">;
}

/** Read when Prometheus asks. */
export interface Observed {
  readonly peers: () => Iterable<Peer>;
  readonly ring: () => Ring;
}

export function openGatewayMetrics(registry: Registry, observed: Observed): GatewayMetrics {
  const registers = [registry];
  observePeers(registers, observed);
  observeRing(registers, observed);
  const metrics = openCounters(registers);
  // Told as 0 from the start: an alarm can tell "none" from "nobody counts", and sees the first one.
  for (const code of Object.values(closeCode)) metrics.closed.inc({ code: String(code) }, 0);
  for (const source of ["ring", "history", "none"] satisfies ResumeSource[]) {
    metrics.resumes.inc({ source }, 0);
  }
  return metrics;
}

function openCounters(registers: Registry[]): GatewayMetrics {
  return {
    frames: new Counter({
      name: "task_events_gateway_frames_total",
      help: "Live event frames handed to peers; a peer too slow for them is closed.",
      registers,
    }),
    broadcast: new Counter({
      name: "task_events_gateway_events_total",
      help: "Events that were shown to whoever may see them.",
      registers,
    }),
    resumes: new Counter({
      name: "task_events_gateway_resumes_total",
      help: "Resumes by where the missed events came from; none: not recovered.",
      labelNames: ["source"],
      registers,
    }),
    closed: new Counter({
      name: "task_events_gateway_closed_total",
      help: "Connections that the gateway closed, by close code; 4008 are the slow ones.",
      labelNames: ["code"],
      registers,
    }),
    refused: new Counter({
      name: "task_events_gateway_refused_total",
      help: "Connections refused, by reason.",
      labelNames: ["reason"],
      registers,
    }),
  };
}

function observePeers(registers: Registry[], { peers }: Observed): void {
  const sum = (of: (peer: Peer) => number): number =>
    [...peers()].reduce((total, peer) => total + of(peer), 0);
  for (const transport of ["websocket", "sse"] as const) {
    gauge(registers, `peers_${transport}`, `Open peers by ${transport}.`, () =>
      sum((peer) => (peer.transport === transport ? 1 : 0)),
    );
  }
  gauge(registers, "queue_frames", "What waits for slow peers, in frames.", () =>
    sum(({ outbox }) => outbox.frames),
  );
  gauge(registers, "queue_bytes", "What waits for slow peers, in bytes; peers share most.", () =>
    sum(({ outbox }) => outbox.bytes),
  );
}

function observeRing(registers: Registry[], { ring }: Observed): void {
  gauge(registers, "ring_events", "Events in the ring.", () => ring().size);
  gauge(registers, "ring_bytes", "Size of the events in the ring.", () => ring().bytes);
}

function gauge(registers: Registry[], name: string, help: string, read: () => number): Gauge {
  return new Gauge({
    name: `task_events_gateway_${name}`,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
