/** A front port: guarded, and proxied to whichever process the activator gives. */
import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Activator } from "./activator.ts";
import { createGuardedServer, guard, listenOnLoopback } from "./front.ts";
import { proxyRequest } from "./proxy.ts";
import { endHandshake, proxyUpgrade } from "./upgrade.ts";

export interface Front {
  readonly port: number;
  readonly server: Server;
  /** Ends the connections that are WebSockets by now: the server does not count them as its own. */
  endUpgraded(): void;
}

export async function openFront(
  port: number,
  activator: Activator,
  allowedOrigins: readonly string[] = [],
): Promise<Front> {
  const acquire = (signal: AbortSignal) => activator.acquire(signal);
  const upgraded = new Set<Duplex>();
  const server = createGuardedServer((req, res) => void proxyRequest(req, res, acquire), {
    allowedOrigins,
    // Curl and others offer h2c in the same field; that is no reason to leave HTTP/1.1.
    server: { shouldUpgradeCallback: (req) => /^websocket$/i.test(req.headers.upgrade ?? "") },
  });
  const own = await listenOnLoopback(server, port);
  server.on("upgrade", (req, socket, head) => {
    upgraded.add(socket);
    socket.once("close", () => upgraded.delete(socket));
    if (guard(req, own, allowedOrigins) === 403) endHandshake(socket, 403);
    else void proxyUpgrade(req, socket, head, acquire);
  });
  return { port: own, server, endUpgraded: () => upgraded.forEach((socket) => socket.destroy()) };
}
