/** The functions: Knative Services, which start with their first request, and StatefulSets, which are always on. */
import { startSidecar } from "../dapr/sidecar.ts";
import type { Plan } from "../plan.ts";
import { resolveEnv } from "../plan/process.ts";
import type { SidecarPlan } from "../plan/sidecar.ts";
import type { Note } from "../process/note.ts";
import { type RunningService, startService } from "../process/service.ts";
import { startStatefulSet } from "../process/stateful-set.ts";
import { metricsPortOf, type Ports } from "../address.ts";
import { type CommandOptions, toCommand } from "./command.ts";

export interface FunctionsOptions {
  plan: Plan;
  ports: Ports;
  command: CommandOptions;
  note: Note;
}

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
        : { startSidecar: (pod, appPort) => startDapr(options, sidecar, pod, appPort) }),
      note,
    });
  });
}

function startDapr(
  { plan, ports, command, note }: FunctionsOptions,
  sidecar: SidecarPlan,
  podName: string,
  appPort: () => number | undefined,
) {
  const { secrets, stateDir } = command;
  const services = plan.statefulSets.filter((it) => it.sidecar !== undefined);
  return startSidecar({
    ...sidecar,
    components: sidecar.components.map((component) => ({
      ...component,
      metadata: resolveEnv(component.metadata, { secrets, podName }),
    })),
    podName,
    namespace: "default",
    stateDir,
    port: 0,
    appPort,
    // The plan has replaced the cluster's names already.
    resolveUrl: (url) => url,
    appUrl: (appId) => {
      const found = services.find((it) => it.sidecar?.appId === appId);
      const port = found && ports.services[found.service];
      return port === undefined ? undefined : `http://127.0.0.1:${String(port)}`;
    },
    note,
  });
}
