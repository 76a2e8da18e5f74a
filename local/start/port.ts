/** The runner's ports are fixed: a taken one is a sentence, before anything starts. */
import { UsageError } from "../../lib/host/error.ts";
import { portVariable, type Ports } from "../address.ts";
import { isPortFree } from "../process/free-port.ts";

interface NamedPort {
  what: string;
  variable: string;
  port: number;
}

const MAX_PORT = 65_535;

export async function requirePorts(ports: Ports, options: { kafka: boolean }): Promise<void> {
  const named = namedPorts(ports).filter(
    ({ variable }) => options.kafka || variable !== "KAFKA_PORT",
  );
  const checked = await Promise.all(named.map((port) => wrongWith(port, named)));
  const sentences = checked.filter((sentence) => sentence !== null);
  if (sentences.length > 0) throw new UsageError(sentences.join("\n"));
}

function namedPorts(ports: Ports): NamedPort[] {
  const parts = { broker: "the Broker ingress", console: "the console", kafka: "Kafka" } as const;
  return [
    ...Object.entries(parts).map(([name, what]) => ({
      what,
      variable: portVariable(name),
      port: ports[name as keyof typeof parts],
    })),
    ...Object.entries(ports.services).map(([name, port]) => ({
      what: name,
      variable: portVariable(name),
      port,
    })),
  ];
}

async function wrongWith(
  { what, variable, port }: NamedPort,
  all: readonly NamedPort[],
): Promise<string | null> {
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    return `${variable} must be a port number from 1 to ${String(MAX_PORT)}.`;
  }
  if (port === 0) return null;
  const other = all.find((it) => it.port === port && it.variable !== variable);
  if (other !== undefined) return `${variable} and ${other.variable} are both ${String(port)}.`;
  if (await isPortFree(port)) return null;
  return `Port ${String(port)} (${what}) is taken: stop what listens there, or choose another, e.g. ${variable}=${String(port + 10_000)} make start`;
}
