/** The proxy's side towards the function: which header fields pass, and over which connection. */
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import type { Lease } from "./activator.ts";
import { GUARD_HEADERS, HEADER_LIMIT_BYTES } from "./front.ts";

/** RFC 9110 7.6.1, but for Transfer-Encoding: it tells Node that a body of unknown length follows. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "expect"];

/** The front says these itself. */
const GUARD_NAMES = Object.keys(GUARD_HEADERS).map((name) => name.toLowerCase());

export function openUpstream(
  req: IncomingMessage,
  { port, replica }: Lease,
  headers: string[],
): ClientRequest {
  return request({
    host: "127.0.0.1",
    port,
    agent: replica.agent,
    method: req.method ?? "GET",
    path: req.url ?? "/",
    headers,
    setHost: false,
    maxHeaderSize: HEADER_LIMIT_BYTES,
  });
}

export function whenConnected(upstream: ClientRequest, then: () => void): void {
  upstream.once("socket", (socket) => {
    if (socket.connecting) socket.once("connect", then);
    else then();
  });
}

/** Nobody listens there any more and nothing was sent: another process can take the request. */
export function isRefused(error: NodeJS.ErrnoException, { replica }: Lease): boolean {
  if (error.code !== "ECONNREFUSED") return false;
  replica.gone = true;
  return true;
}

/** The function closed a kept connection just when the request came: a GET can be sent again, as Go's client does it. */
export const isStale = (error: NodeJS.ErrnoException, { reusedSocket }: ClientRequest): boolean =>
  reusedSocket && error.code === "ECONNRESET";

/** Node gives and takes header bytes as Latin-1 characters, so raw ones pass unchanged. */
export function requestHeaders({ rawHeaders }: IncomingMessage): string[] {
  return without(HOP_BY_HOP, rawHeaders);
}

export function answerHeaders({ rawHeaders }: IncomingMessage): string[] {
  return without([...HOP_BY_HOP, ...GUARD_NAMES], rawHeaders);
}

/** `rawHeaders` alternates names and values. */
export function without(names: readonly string[], rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => {
    const name = rawHeaders[at - (at % 2)] ?? "";
    return !names.includes(name.toLowerCase());
  });
}
