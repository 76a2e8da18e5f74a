/** Until when the certificates of servers are valid, as their clients see them: expired and untrusted ones, too. */
import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type DetailedPeerCertificate } from "node:tls";
import type { ExporterEnv } from "./env.ts";
import type { Figure, Source } from "./source.ts";

interface Server {
  readonly address: string;
  /** Gives a connection on which TLS may begin. */
  readonly connect: (host: string, port: number, signal: AbortSignal) => Promise<Socket>;
}

/** Undefined where no server speaks TLS. */
export function certificateSource(
  env: Pick<ExporterEnv, "kafka" | "databaseUrl" | "certificates">,
): Source | undefined {
  const servers = toServers(env);
  if (servers.length === 0) return undefined;
  return { name: "certificates", read: () => readFigures(servers) };
}

function toServers({
  kafka,
  databaseUrl,
  certificates,
}: Pick<ExporterEnv, "kafka" | "databaseUrl" | "certificates">): Server[] {
  const brokers = kafka.tls === undefined ? [] : kafka.brokers.split(",");
  const direct = [...brokers, ...certificates].map((address) => ({
    address: address.trim(),
    connect: connectDirectly,
  }));
  const { hostname, port, searchParams } = new URL(databaseUrl);
  const mode = searchParams.get("sslmode") ?? "disable";
  if (mode === "disable") return direct;
  return [...direct, { address: `${hostname}:${port || "5432"}`, connect: connectPostgres }];
}

async function readFigures(servers: readonly Server[]): Promise<Figure[]> {
  const values = await Promise.all(
    servers.map(async (server) => [{ address: server.address }, await expiryOf(server)] as const),
  );
  return [
    {
      name: "task_events_certificate_expires_timestamp_seconds",
      help: "When the first certificate of a server's chain expires.",
      values,
    },
  ];
}

/** Of one server, with all that is asked of it. */
const timeoutMs = 5_000;
const ignore = (): void => undefined;

/** In seconds since 1970. */
async function expiryOf({ address, connect }: Server): Promise<number> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const host = hostname.replace(/^\[|\]$/g, "");
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const socket = await connect(host, Number(port), signal);
    const name = isIP(host) === 0 ? { servername: host } : {};
    const secured = connectTls({ socket, rejectUnauthorized: false, ...name }).on("error", ignore);
    try {
      await once(secured, "secureConnect", { signal });
      return Math.min(...chainOf(secured.getPeerCertificate(true)).map(toExpiry)) / 1_000;
    } finally {
      secured.destroy();
      socket.destroy();
    }
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`the certificate of ${address} was not seen: ${message}`, { cause });
  }
}

async function connectDirectly(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  // Whoever waits is told; an error when nobody does would end the process.
  const socket = connectTcp({ host, port }).on("error", ignore);
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** SSLRequest of PostgreSQL's protocol: it answers S, and goes on by TLS. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

async function connectPostgres(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = await connectDirectly(host, port, signal);
  try {
    socket.write(sslRequest);
    const [answer] = (await once(socket, "data", { signal })) as [Buffer];
    if (answer.toString() === "S") return socket;
    throw new Error("PostgreSQL speaks no TLS there");
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A root is its own issuer. */
function chainOf(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (
    let next = leaf;
    next !== undefined && !chain.includes(next);
    next = next.issuerCertificate
  ) {
    chain.push(next);
  }
  return chain;
}

const toExpiry = ({ valid_to: until }: DetailedPeerCertificate): number => Date.parse(until);
