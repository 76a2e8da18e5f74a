/** The one table between the names of the cluster and the addresses on this machine. */

export interface Ports {
  broker: number;
  console: number;
  kafka: number;
  /** By name of a Knative Service or of a StatefulSet's Service. */
  services: Readonly<Record<string, number>>;
}

const FUNCTION_PORTS: Readonly<Record<string, number>> = {
  notification: 8001,
  "recurring-task": 8002,
  "audit-log": 8003,
  "websocket-gateway": 8004,
};
const FIRST_OTHER_PORT = 8005;

type Environment = Readonly<Record<string, string | undefined>>;

/** `audit-log` → `AUDIT_LOG_PORT`: the variable that moves a port. */
export const portVariable = (name: string): string =>
  `${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_PORT`;

/** The fixed ports, each changeable by its variable. A service that is not in the table gets the next one. */
export function readPorts(services: readonly string[], env: Environment): Ports {
  const others = services.filter((name) => FUNCTION_PORTS[name] === undefined);
  const portOf = (name: string, otherwise: number) => Number(env[portVariable(name)] || otherwise);
  const ofService = (name: string) =>
    portOf(name, FUNCTION_PORTS[name] ?? FIRST_OTHER_PORT + others.indexOf(name));
  return {
    broker: portOf("broker", 8080),
    console: portOf("console", 8090),
    kafka: portOf("kafka", 9092),
    services: Object.fromEntries(services.map((name) => [name, ofService(name)])),
  };
}

const METRICS_DISTANCE = 1_000;
const MAX_PORT = 65_535;

/** 9001 of 8001: where the metrics of a function's first process are, unless something else listens there. */
export function metricsPortOf(port: number | undefined): number | undefined {
  const wanted = (port ?? MAX_PORT) + METRICS_DISTANCE;
  return wanted > MAX_PORT ? undefined : wanted;
}

export interface Addresses {
  /** `host:port[,host:port]` of Kafka, the embedded or a real one. */
  kafka: string;
  /** `host:port` of a real one. */
  redis?: string | undefined;
  brokerUrl: string;
  serviceUrl: (name: string) => string | undefined;
}

export function toAddresses(ports: Ports, kafka: string | undefined): Addresses {
  return {
    kafka: kafka ?? `127.0.0.1:${String(ports.kafka)}`,
    brokerUrl: `http://127.0.0.1:${String(ports.broker)}`,
    serviceUrl: (name) => {
      const port = ports.services[name];
      return port === undefined ? undefined : `http://127.0.0.1:${String(port)}`;
    },
  };
}

/** Where the sidecar's own parts stand in for a server, its address has no meaning. */
const REDIS = "redis.default:6379";

const IN_CLUSTER = /([a-z0-9][a-z0-9-]*)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?(?::(\d+))?/g;
/** Replaces the names of the cluster in a value; `unknown` has those that lead nowhere. */
export function toLocal(value: string, addresses: Addresses): { value: string; unknown: string[] } {
  const unknown: string[] = [];
  const local = value.replaceAll(
    IN_CLUSTER,
    (found, name: string, namespace: string, port: string | undefined) => {
      const address = localAddress(name, namespace, port ?? "80", addresses);
      if (address === undefined) unknown.push(found);
      return address ?? found;
    },
  );
  return { value: local, unknown };
}

function localAddress(
  name: string,
  namespace: string,
  port: string,
  addresses: Addresses,
): string | undefined {
  const where = `${name}.${namespace}:${port}`;
  if (where === REDIS) return addresses.redis ?? `${name}.${namespace}.svc:${port}`;
  if (where === "kafka.default:9092") return addresses.kafka;
  if (/^kafka-(?:broker|sink)-ingress\.knative-eventing:80$/.test(where)) {
    return hostOf(addresses.brokerUrl);
  }
  const url = namespace === "default" && port === "80" ? addresses.serviceUrl(name) : undefined;
  return url === undefined ? undefined : hostOf(url);
}

const hostOf = (url: string): string => new URL(url).host;
