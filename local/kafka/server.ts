/** The embedded log: a folder of files that speaks the Kafka protocol on a port. */
import { createServer, type Server, type Socket } from "node:net";
import { openBroker } from "./broker.ts";
import { Connection } from "./connection.ts";
import { isErrno } from "../file/atomic-file.ts";
import { TopicConfig } from "./topic/topic-config.ts";

/** Kafka looks every five minutes; a laptop's disk is smaller. */
const RETENTION_CHECK_MS = 30_000;

export interface KafkaOptions {
  /** Kept between runs; one running log at a time. */
  readonly dataDir: string;
  readonly host?: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Made at start where they do not exist yet. */
  readonly topics?: readonly { readonly name: string; readonly partitions: number }[];
  readonly autoCreateTopics?: boolean;
  readonly retentionCheckMs?: number;
  readonly now?: () => number;
  readonly log?: (message: string) => void;
}

export interface RunningKafka extends AsyncDisposable {
  /** `host:port`, as a client's list of brokers wants it. */
  readonly address: string;
  readonly port: number;
}

export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const {
    dataDir,
    host = "127.0.0.1",
    autoCreateTopics = true,
    now = Date.now,
    log = () => {},
  } = options;
  await using starting = new AsyncDisposableStack();
  const broker = starting.use(await openBroker({ dataDir, autoCreateTopics, now, log }));
  for (const { name, partitions } of options.topics ?? []) {
    if (!broker.topics.get(name)) await broker.topics.create(name, partitions, new TopicConfig());
  }
  const connections = new Set<Connection>();
  const server = createServer((socket) =>
    accept(socket, new Connection(socket, broker), connections),
  );
  const port = await listen(server, host, options.port);
  starting.defer(() => stop(server, connections));
  const retention = setInterval(() => {
    broker.enforceRetention().catch((error: unknown) => log(`retention failed: ${String(error)}`));
  }, options.retentionCheckMs ?? RETENTION_CHECK_MS).unref();
  starting.defer(() => clearInterval(retention));
  const running = starting.move();
  return { address: `${host}:${port}`, port, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function accept(socket: Socket, connection: Connection, connections: Set<Connection>): void {
  connections.add(connection);
  socket.on("close", () => connections.delete(connection));
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen({ host, port }, resolve);
  try {
    await promise;
  } catch (cause) {
    if (isErrno(cause, "EADDRINUSE"))
      throw new Error(`port ${port} on ${host} is in use by another process`, { cause });
    throw cause;
  }
  server.off("error", reject);
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}

async function stop(server: Server, connections: ReadonlySet<Connection>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  for (const connection of connections) connection.close();
  await promise;
}
