/** The functions: Knative Services, which start with their first request, and StatefulSets, which are always on. */
import type { DoorOf } from "../knative/delivery/http-sender.ts";
import { type RunningService, startService } from "../process/service.ts";
import { startStatefulSet } from "../process/stateful-set.ts";
import { metricsPortOf } from "../address.ts";
import { toCommand } from "./command.ts";
import { type SidecarsOptions, startPodSidecar } from "./server/sidecar.ts";

export type FunctionsOptions = SidecarsOptions;

export function startServices(options: FunctionsOptions): Promise<RunningService>[] {
  const { plan, ports, command, note } = options;
  return plan.services.map(({ name, process, scale, limit }) =>
    startService({
      name,
      port: ports.services[name] ?? 0,
      process: toCommand(command, process, name, metricsPortOf(ports.services[name])),
      scale,
      limit,
      note,
    }),
  );
}

export function startStatefulSets(options: FunctionsOptions): Promise<RunningService>[] {
  const { plan, ports, command, note } = options;
  return plan.statefulSets.map(({ name, service, replicas, process, sidecar }) => {
    const allowed = toCommand(command, process, name).env["ALLOWED_ORIGINS"] ?? "";
    return startStatefulSet({
      name,
      replicas,
      port: ports.services[service] ?? 0,
      process: (pod) => toCommand(command, process, pod, metricsPortOf(ports.services[service])),
      allowedOrigins: allowed.split(",").flatMap((origin) => origin.trim() || []),
      ...(sidecar === undefined
        ? {}
        : { startSidecar: (pod, appPort) => startPodSidecar(options, sidecar, pod, appPort) }),
      note,
    });
  });
}

/** By the address of the front port. */
export function doorsOf(running: readonly RunningService[]): DoorOf {
  const doors = new Map(running.map(({ port, door }) => [port, door]));
  return ({ protocol, hostname, port }) =>
    protocol === "http:" && hostname === "127.0.0.1" ? doors.get(Number(port)) : undefined;
}
