/** A front port: guarded, and proxied to whichever process the activator gives. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Activator } from "./activator.ts";
import { createGuardedServer, guard, listenOnLoopback } from "./front.ts";
import { answerPlainly, proxyRequest } from "./proxy.ts";
import { limitAnswer, type TimeLimit } from "./time-limit.ts";
import { endHandshake, proxyUpgrade } from "./upgrade.ts";

export interface Front {
  readonly port: number;
  readonly server: Server;
  /** Ends the connections that are WebSockets by now: the server does not count them as its own. */
  endUpgraded(): void;
}

export interface FrontOptions {
  port: number;
  activator: Activator;
  allowedOrigins?: readonly string[];
  limit?: TimeLimit;
}

export async function openFront(options: FrontOptions): Promise<Front> {
  const { port, activator, allowedOrigins = [], limit } = options;
  const acquire = (signal: AbortSignal) => activator.acquire(signal);
  const upgraded = new Set<Duplex>();
  const answer = (req: IncomingMessage, res: ServerResponse) => {
    if (limit !== undefined) limitAnswer(req, res, limit);
    proxyRequest(req, res, acquire).catch((error: unknown) => {
      answerPlainly(req, res, 502, `the request cannot be passed on: ${String(error)}`);
    });
  };
  const server = createGuardedServer(answer, {
    allowedOrigins,
    // Curl and others offer h2c in the same field; that is no reason to leave HTTP/1.1.
    server: { shouldUpgradeCallback: (req) => /^websocket$/i.test(req.headers.upgrade ?? "") },
  });
  const own = await listenOnLoopback(server, port);
  server.on("upgrade", (req, socket, head) => {
    upgraded.add(socket);
    // Node has taken its own listener away: an unheard error would end the runner.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => upgraded.delete(socket));
    if (guard(req, own, allowedOrigins) === 403) endHandshake(socket, 403);
    else {
      if (limit !== undefined) endAfter(socket, limit.timeoutMs);
      void proxyUpgrade(req, socket, head, acquire);
    }
  });
  return { port: own, server, endUpgraded: () => upgraded.forEach((socket) => socket.destroy()) };
}

/** A WebSocket to a Knative Service lives no longer than any other request. */
function endAfter(socket: Duplex, ms: number): void {
  const timer = setTimeout(() => socket.destroy(), ms);
  socket.once("close", () => clearTimeout(timer));
}
