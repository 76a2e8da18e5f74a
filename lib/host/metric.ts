/** What every function counts, and the port of its own on which Prometheus reads it. */
import type { RequestListener, Server } from "node:http";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { ping } from "../events/ping.ts";
import { taskEventTypes } from "../events/task.ts";
import { http } from "./http.ts";
import { forLoopback } from "./loopback.ts";

export interface HostMetrics {
  readonly registry: Registry;
  readonly handled: Counter<"type" | "outcome">;
  readonly seconds: Histogram<"type">;
  /** How many events are being handled is asked only when Prometheus reads. */
  readonly showInFlight: (count: () => number) => void;
}

export function openMetrics(name: string): HostMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ function: name });
  const registers = [registry];
  return {
    registry,
    handled: new Counter({
      name: "task_events_handled_total",
      help: "Events by type and outcome.",
      labelNames: ["type", "outcome"],
      registers,
    }),
    seconds: new Histogram({
      name: "task_events_handling_seconds",
      help: "Time from the last byte of an event to its answer.",
      labelNames: ["type"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    showInFlight: (count) =>
      void new Gauge({
        name: "task_events_in_flight",
        help: "Events being handled.",
        registers,
        collect() {
          this.set(count());
        },
      }),
  };
}

const known = new Set([...taskEventTypes.map((eventType) => eventType.type), ping.type]);

/** Types come from outside: an unknown one must not make a time series of its own. */
export const typeLabel = (type: string): string => (known.has(type) ? type : "other");

/** Serves `GET /metrics` in the Prometheus text format. */
export async function serveMetrics(
  registry: Registry,
  port: number,
  host: string | undefined,
): Promise<Server> {
  const answer: RequestListener = (request, response) => {
    if (request.url !== "/metrics") return void response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  };
  const server = http.createServer(forLoopback(host, answer));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  return server;
}
