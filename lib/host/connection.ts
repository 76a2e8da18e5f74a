/** Ends an HTTP server: what is being answered is finished, and a connection without a request holds up nobody. */
import type { Server } from "node:http";
import type { Socket } from "node:net";

const IDLE_PROBE_MS = 20;

const connections = new WeakMap<Server, Set<Socket>>();

/** To be called before it listens. */
export function trackConnections(server: Server): void {
  const open = new Set<Socket>();
  connections.set(server, open);
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
}

/** Stops accepting, ends connections as they become idle, and after the grace the busy ones too. */
export async function closeServer(server: Server, graceMs = 0): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  endIdle(server);
  const idle = setInterval(() => endIdle(server), IDLE_PROBE_MS);
  const timer = setTimeout(() => endAll(server), graceMs);
  await closed;
  clearTimeout(timer);
  clearInterval(idle);
}

function endAll(server: Server): void {
  server.closeAllConnections();
  // Those that became WebSockets are Node's no more.
  for (const socket of connections.get(server) ?? []) socket.destroy();
}

function endIdle(server: Server): void {
  server.closeIdleConnections();
  // Node takes those that have not sent anything yet for busy; browsers and connection pools open such ones ahead.
  for (const socket of connections.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy();
}
