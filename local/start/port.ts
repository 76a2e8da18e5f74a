/** The runner's ports are fixed: a taken one is a sentence, before anything starts. */
import { UsageError } from "../../lib/host/error.ts";
import { portVariable, type Ports } from "../address.ts";
import { isPortFree } from "../process/replica/free-port.ts";

interface NamedPort {
  what: string;
  variable: string;
  port: number;
}

const MAX_PORT = 65_535;

/** Which of them are in use: Kafka's is not where another Kafka takes the place of the embedded one. */
export interface UsedPorts {
  kafka: boolean;
}

/** Throws a UsageError for what can be no port, or cannot be one beside the others. */
export function checkPorts(ports: Ports, used: UsedPorts): void {
  const named = namedPorts(ports, used);
  throwAll(named.map((port, index) => wrongWith(port, named.slice(index + 1))));
}

/** Throws a UsageError for those that something listens on. */
export async function requireFreePorts(ports: Ports, used: UsedPorts): Promise<void> {
  throwAll(await Promise.all(namedPorts(ports, used).map(takenSentence)));
}

function throwAll(sentences: readonly (string | null)[]): void {
  const found = sentences.filter((sentence) => sentence !== null);
  if (found.length > 0) throw new UsageError(found.join("\n"));
}

function namedPorts(ports: Ports, { kafka }: UsedPorts): NamedPort[] {
  const parts = { broker: "the Broker ingress", console: "the console", kafka: "Kafka" } as const;
  const all = [
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
  return all.filter(({ variable }) => kafka || variable !== "KAFKA_PORT");
}

/** `0` is any free one. */
function wrongWith({ variable, port }: NamedPort, others: readonly NamedPort[]): string | null {
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    return `${variable} must be a port number from 1 to ${String(MAX_PORT)}.`;
  }
  const other = others.find((it) => port !== 0 && it.port === port);
  return other === undefined ? null : `${variable} and ${other.variable} are both ${String(port)}.`;
}

async function takenSentence({ what, variable, port }: NamedPort): Promise<string | null> {
  if (port === 0 || (await isPortFree(port))) return null;
  return `Port ${String(port)} (${what}) is taken: stop what listens there, or choose another, e.g. ${variable}=${String(port + 10_000)} make start`;
}
