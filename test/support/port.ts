/** Ports for a runner of a test: each another one, and the port of its metrics as well. */
import { metricsPortOf } from "../../local/address.ts";
import { isPortFree, stablePort } from "../../local/process/replica/free-port.ts";

/** By name. Outside the range from which systems give ports: nobody else takes them before the runner does. */
export async function portsFor<Name extends string>(
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const taken = new Set<number>();
  const ports: [Name, number][] = [];
  for (const name of names) {
    const port = await freePair(taken);
    ports.push([name, port]);
  }
  // Each name has got one.
  return Object.fromEntries(ports) as Record<Name, number>;
}

async function freePair(taken: Set<number>): Promise<number> {
  for (;;) {
    const port = await stablePort();
    const metrics = metricsPortOf(port) ?? 0;
    if (taken.has(port) || taken.has(metrics) || !(await isPortFree(metrics))) continue;
    taken.add(port).add(metrics);
    return port;
  }
}
