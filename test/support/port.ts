/** Ports for the servers of a test that must know them before they start. */
import { availableParallelism } from "node:os";
import { metricsPortOf } from "../../local/address.ts";
import { isPortFree } from "../../local/process/replica/free-port.ts";

/**
 * Below what systems give to whoever asks, and apart from what the runner takes for itself (`stablePort`).
 * A thousand of ports is followed by the thousand of their metrics, and each worker of vitest has its share of both:
 * no other test can take a port between its choice and its use.
 */
const FIRST_PORT = 10_000;
const PAIRS_OF_THOUSANDS = 5;
const workers = availableParallelism();
const share = Math.floor(1_000 / workers);
const worker = (Number(process.env["VITEST_POOL_ID"] ?? 1) - 1) % workers;

/** By name: each another one, and the port of its metrics as well. */
export async function portsFor<Name extends string>(
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const taken = new Set<number>();
  const ports: [Name, number][] = [];
  for (const name of names) ports.push([name, await freePair(taken)]);
  // Each name has got one.
  return Object.fromEntries(ports) as Record<Name, number>;
}

async function freePair(taken: Set<number>): Promise<number> {
  for (;;) {
    const thousand = FIRST_PORT + 2_000 * Math.floor(Math.random() * PAIRS_OF_THOUSANDS);
    const port = thousand + worker * share + Math.floor(Math.random() * share);
    const metrics = metricsPortOf(port) ?? 0;
    if (taken.has(port) || !(await isPortFree(port)) || !(await isPortFree(metrics))) continue;
    taken.add(port);
    return port;
  }
}
