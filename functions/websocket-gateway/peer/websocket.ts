/** `GET /ws`: from the handshake to the close. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { http } from "../../../lib/host/http.ts";
import { AccessError, type Caller } from "../../../lib/host/token.ts";
import { checkOrigin } from "../access/origin.ts";
import {
  handshakeToken,
  parseWish,
  subprotocol,
  viewOf,
  type Wish,
  WishError,
} from "../access/subscriber.ts";
import type { Gateway } from "../gateway.ts";
import { TooManyError } from "./admission.ts";
import { parseClientFrame } from "./client-frame.ts";
import { deviceStart, type DeviceSeat } from "./device-seat.ts";
import { webSocketEncoding } from "./frame.ts";
import { Outbox } from "./outbox.ts";
import { type CloseCode, closeCode, type Peer, type View } from "./peer.ts";
import { startSession } from "./session.ts";

/** An ack with a cursor of some thousand partitions. */
const maxClientFrameBytes = 16 * 1024;
/** Who is refused does not keep a connection for longer. */
const refusedMs = 5_000;

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: maxClientFrameBytes,
  handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
});

export function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  gateway: Gateway,
): void {
  // Until ws has the socket, nobody else listens: an unheard error would end the process.
  socket.on("error", () => socket.destroy());
  const refusal = refusalOf(request, gateway);
  if (refusal !== undefined) return refuse(socket, refusal);
  void accept(request, socket, head, gateway).catch((error: unknown) => {
    gateway.log.error({ err: error }, "a handshake failed");
    socket.destroy();
  });
}

function refusalOf(request: IncomingMessage, gateway: Gateway): number | undefined {
  if ((request.url ?? "").split("?", 1)[0] !== "/ws") return 404;
  if (gateway.peers.isDraining) return 503;
  if (checkOrigin(request.headers, gateway.env.allowedOrigins) === "refused") return 403;
  return undefined;
}

function refuse(socket: Duplex, status: number, sentence = http.STATUS_CODES[status] ?? ""): void {
  const body = JSON.stringify({ error: sentence });
  const lines = [
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`,
    "connection: close",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

/** What stands against a client is told after the upgrade, as a close code: a browser sees no status. */
async function accept(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  gateway: Gateway,
): Promise<void> {
  const entry = await admit(request, gateway).catch(toClosing);
  if ("status" in entry) return refuse(socket, entry.status, entry.reason);
  if ("leave" in entry) {
    // Also where the handshake itself is wrong, and no WebSocket comes of it.
    if (socket.destroyed) return entry.leave();
    socket.once("close", entry.leave);
  }
  server.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on("error", () => webSocket.terminate());
    if ("leave" in entry) serve(webSocket, socket, entry, gateway);
    else {
      gateway.metrics.refused.inc({ reason: String(entry.code) });
      webSocket.close(entry.code, entry.reason);
      const timer = setTimeout(() => webSocket.terminate(), refusedMs);
      webSocket.once("close", () => clearTimeout(timer));
    }
  });
}

interface Admitted {
  readonly wish: Wish;
  readonly caller: Caller;
  readonly view: View;
  readonly leave: () => void;
}

async function admit(request: IncomingMessage, gateway: Gateway): Promise<Admitted> {
  const wish = parseWish(request.url ?? "");
  const caller = await gateway.verifyToken(handshakeToken(request.headers));
  const view = viewOf(caller, wish.userId);
  return { wish, caller, view, leave: await gateway.admission.enter(caller.userId) };
}

type Closing =
  | { readonly code: CloseCode; readonly reason: string }
  | { readonly status: number; readonly reason: string };

function toClosing(error: unknown): Closing {
  if (error instanceof AccessError) {
    const code = error.statusCode === 401 ? closeCode.unauthorized : closeCode.forbidden;
    return { code, reason: error.message };
  }
  if (error instanceof TooManyError) return { code: closeCode.tooMany, reason: error.message };
  if (error instanceof WishError) return { status: error.statusCode, reason: error.message };
  throw error;
}

function serve(webSocket: WebSocket, socket: Duplex, admitted: Admitted, gateway: Gateway): void {
  const { caller, wish } = admitted;
  const closed = new AbortController();
  const peer = toPeer(webSocket, socket, closed.signal, { admitted, gateway });
  webSocket.on("close", () => {
    peer.outbox.close();
    closed.abort();
  });
  gateway.peers.add(peer, caller.expiresAt);
  void begin(webSocket, peer, wish, gateway);
}

async function begin(
  webSocket: WebSocket,
  peer: Peer,
  wish: Wish,
  gateway: Gateway,
): Promise<void> {
  const seat = wish.device === null ? undefined : gateway.seats.seat(peer, wish.device);
  webSocket.on("message", (data, isBinary) => {
    const frame = parseClientFrame(data, isBinary);
    if (frame.kind === "wrong") peer.close(frame.code, frame.reason);
    else if (frame.kind === "ack") ack(seat, frame.cursor, gateway);
  });
  const start = await deviceStart(seat, wish.cursor, gateway.codec);
  await startSession(peer, start, gateway.session);
}

/** Of a device alone; a cursor that is not ours, or of another topic, moves nothing. */
function ack(seat: DeviceSeat | undefined, text: string, { codec, generation }: Gateway): void {
  const cursor = codec.verify(text);
  if (cursor === undefined || generation.matches(cursor.generation) !== true) return;
  seat?.hold.ack({ ...cursor, generation: generation.name });
}

function toPeer(
  webSocket: WebSocket,
  socket: Duplex,
  closed: AbortSignal,
  { admitted, gateway }: { admitted: Admitted; gateway: Gateway },
): Peer {
  const { caller, view, wish } = admitted;
  let isAlive = true;
  webSocket.on("pong", () => (isAlive = true));
  webSocket.on("message", () => (isAlive = true));
  const close = (code: CloseCode, reason: string): void => {
    if (webSocket.readyState !== webSocket.OPEN) return;
    gateway.metrics.closed.inc({ code: String(code) });
    gateway.broadcast.leave(peer);
    peer.outbox.close();
    webSocket.close(code, reason);
  };
  const peer: Peer = {
    id: randomUUID(),
    transport: "websocket",
    view,
    callerId: caller.userId,
    device: wish.device,
    connectedAt: new Date(),
    encoding: webSocketEncoding,
    // Frames go to the socket itself: without deflate, ws writes at once and keeps no queue of its own.
    outbox: new Outbox(socket, gateway.outboxLimits, () => close(closeCode.tooSlow, "too slow")),
    closed,
    close,
    beat: () => {
      if (!isAlive) return webSocket.terminate();
      isAlive = false;
      webSocket.ping();
    },
  };
  return peer;
}
