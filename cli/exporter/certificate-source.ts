/** Until when the certificates of servers are valid, as their clients see them: expired and untrusted ones, too. */
import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import type { ExporterEnv } from "./env.ts";
import type { Figure, Source } from "./source.ts";

interface Server {
  readonly address: string;
  readonly connect: (host: string, port: number) => Promise<Socket>;
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
    connect: connectOver,
  }));
  const { hostname, port, searchParams } = new URL(databaseUrl);
  const mode = searchParams.get("sslmode") ?? "disable";
  if (mode === "disable") return direct;
  return [...direct, { address: `${hostname}:${port || "5432"}`, connect: connectPostgres }];
}

async function readFigures(servers: readonly Server[]): Promise<Figure[]> {
  const values = await Promise.all(
    servers.map(async ({ address, connect }) => {
      const { hostname, port } = new URL(`tcp://${address}`);
      const host = hostname.replace(/^\[|\]$/g, "");
      const at = await expiryOf(host, await connect(host, Number(port)));
      return [{ address }, at / 1_000] as const;
    }),
  );
  return [
    {
      name: "task_events_certificate_expires_timestamp_seconds",
      help: "When the first certificate of a server's chain expires.",
      values,
    },
  ];
}

const timeoutMs = 5_000;

async function connectOver(host: string, port: number): Promise<Socket> {
  const socket = connectTcp({ host, port, signal: AbortSignal.timeout(timeoutMs) });
  await once(socket, "connect");
  return socket;
}

/** SSLRequest of PostgreSQL's protocol: it answers S, and goes on by TLS. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

async function connectPostgres(host: string, port: number): Promise<Socket> {
  const socket = await connectOver(host, port);
  socket.write(sslRequest);
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (answer.toString() === "S") return socket;
  socket.destroy();
  throw new Error(`PostgreSQL at ${host}:${port} speaks no TLS`);
}

/** In ms. */
async function expiryOf(host: string, socket: Socket): Promise<number> {
  const name = isIP(host) === 0 ? { servername: host } : {};
  const secured: TLSSocket = connectTls({ socket, rejectUnauthorized: false, ...name });
  try {
    await once(secured, "secureConnect", { signal: AbortSignal.timeout(timeoutMs) });
    return Math.min(...chainOf(secured.getPeerCertificate(true)).map(toExpiry));
  } finally {
    secured.destroy();
    socket.destroy();
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
