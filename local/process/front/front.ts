/** What every HTTP port of the runner does first: listen on 127.0.0.1 and refuse what a web page elsewhere could send. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { trackConnections } from "../../../lib/host/connection.ts";

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Go's default, so queue-proxy's: a record of 1 MiB may be all headers. */
export const HEADER_LIMIT_BYTES = 1_028 * 1024;

/** Sent with every answer, so that no other page can read or sniff it. */
export const GUARD_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
} as const;

/** 403 where the Host is another name (DNS rebinding) or a page of another origin sent the request, else null. */
export function guard(
  req: IncomingMessage,
  port: number,
  allowedOrigins: readonly string[] = [],
): null | 403 {
  if (!authorities(port).includes(req.headers.host?.toLowerCase() ?? "")) return 403;
  const origin = req.headers.origin?.toLowerCase();
  if (origin !== undefined && allowedOrigins.some((allowed) => allowed.toLowerCase() === origin)) {
    return null;
  }
  if (origin !== undefined && !authorities(port).some((own) => origin === `http://${own}`)) {
    return 403;
  }
  return req.headers["sec-fetch-site"] === "cross-site" ? 403 : null;
}

const authorities = (port: number): string[] =>
  LOOPBACK_NAMES.flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${String(port)}`],
  );

export interface GuardedServerOptions {
  /** Admitted besides the port's own, e.g. the ALLOWED_ORIGINS of the gateway. */
  allowedOrigins?: readonly string[];
  server?: ServerOptions;
}

/** A server whose requests have passed the guard and whose answers carry its headers. Listen with `listenOnLoopback`. */
export function createGuardedServer(
  listener: RequestListener,
  options: GuardedServerOptions = {},
): Server {
  const server = createServer(
    { maxHeaderSize: HEADER_LIMIT_BYTES, ...options.server },
    (req, res) => {
      for (const [name, value] of Object.entries(GUARD_HEADERS)) res.setHeader(name, value);
      if (guard(req, portOf(req.socket), options.allowedOrigins) === 403) refuse(req, res);
      else listener(req, res);
    },
  );
  server.on("clientError", answerClientError);
  trackConnections(server);
  return server;
}

/** The port that the request came in by. */
export const portOf = (socket: Socket): number => socket.localPort ?? 0;

function refuse(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(403, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
  res.end("403: only this port's own origin, by the name localhost, may use it\n");
  req.resume();
}

/** Resolves with the port; an error says EADDRINUSE by its code. */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

const CLIENT_ERRORS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** How long a client that goes on sending may take to read why it is refused. */
const LINGER_MS = 1_000;

/** What Node answers by itself to what is not HTTP, with the guard's headers added. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // The rest of a request that is answered already.
  if (socket.writableEnded) return;
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy(error);
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ""] ?? "400 Bad Request";
  const headers = Object.entries(GUARD_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join("")}Connection: close\r\n\r\n`);
  // Destroyed at once, what is unread would reset the connection before the client has the answer.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("end", () => socket.destroy()).once("close", () => clearTimeout(timer));
  socket.resume();
}
