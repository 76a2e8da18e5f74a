/** A WebSocket through the front: the handshake is passed on, then the two sockets are one. */
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { NoReplicaError, type Lease } from "./activator.ts";
import { GUARD_HEADERS } from "./front.ts";
import type { Acquire } from "./proxy.ts";
import {
  answerHeaders,
  isRefused,
  isStale,
  openUpstream,
  requestHeaders,
  without,
} from "./upstream.ts";

const UPGRADE = ["Connection", "Upgrade"];
const CLOSE = ["Connection", "close"];

export async function proxyUpgrade(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  acquire: Acquire,
): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  try {
    const lease = await acquire(gone.signal);
    if (gone.signal.aborted) {
      lease[Symbol.dispose]();
      return;
    }
    const again = () => void proxyUpgrade(req, socket, head, acquire);
    forwardHandshake(req, socket, head, lease, again);
  } catch (error) {
    endHandshake(socket, error instanceof NoReplicaError ? error.status : 502);
  }
}

function forwardHandshake(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  lease: Lease,
  again: () => void,
): void {
  const upstream = openUpstream(req, lease, [...requestHeaders(req), ...UPGRADE]);
  socket.once("close", () => {
    upstream.destroy();
    lease[Symbol.dispose]();
  });
  upstream.on("error", (error) => {
    if (isStale(error, upstream) || isRefused(error, lease)) {
      lease[Symbol.dispose]();
      again();
    } else endHandshake(socket, 502);
  });
  upstream.once("response", (answer) => {
    // Its body comes decoded, and ends with the connection.
    const headers = without(["transfer-encoding"], answerHeaders(answer));
    socket.write(rawHead(statusLine(answer), [...headers, ...CLOSE]));
    answer.once("error", () => socket.destroy());
    answer.pipe(socket);
  });
  upstream.once("upgrade", (answer, peer, peerHead) => {
    socket.write(rawHead(statusLine(answer), [...answerHeaders(answer), ...UPGRADE]));
    socket.write(peerHead);
    peer.write(head);
    join(socket, peer);
  });
  upstream.end();
}

function join(socket: Duplex, peer: Duplex): void {
  peer.on("error", () => socket.destroy());
  peer.once("close", () => socket.destroy());
  socket.once("close", () => peer.destroy());
  socket.pipe(peer);
  peer.pipe(socket);
}

export function endHandshake(socket: Duplex, status: number): void {
  if (socket.writable) {
    socket.end(rawHead(`${String(status)} ${STATUS_CODES[status] ?? ""}`, CLOSE));
  }
}

const statusLine = ({ statusCode = 502, statusMessage = "" }: IncomingMessage): string =>
  `${String(statusCode)} ${statusMessage}`;

function rawHead(status: string, headers: readonly string[]): Buffer {
  const all = [...headers, ...Object.entries(GUARD_HEADERS).flat()];
  const lines = all.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  return Buffer.from(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`, "latin1");
}
