/** `GET /sse`: the same stream as an EventSource reads it. */
import { randomUUID } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { bearerToken, type Caller } from "../../../lib/host/token.ts";
import { parseWish, viewOf, type Wish, WishError } from "../access/subscriber.ts";
import type { Gateway } from "../gateway.ts";
import { type Encoding, sseEncoding } from "./frame.ts";
import { Outbox } from "./outbox.ts";
import { type CloseCode, closeCode, type Peer } from "./peer.ts";
import { type Start, startSession } from "./session.ts";

/** Shared, so that frames are encoded once for all peers that came with a token. */
const plainEncoding = sseEncoding();
const heartbeat = Buffer.from(":\n\n");

interface Subscriber {
  readonly caller: Caller;
  readonly encoding: Encoding;
}

export async function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  gateway: Gateway,
): Promise<void> {
  const wish = parseWish(request.url);
  if (wish.device !== null) throw new WishError("device is for WebSocket, which can acknowledge");
  const lastEventId = request.headers["last-event-id"];
  const given =
    (typeof lastEventId === "string" && lastEventId !== "" ? lastEventId : null) ?? wish.cursor;
  const { caller, encoding } = await identify(request, wish, lastEventId, gateway);
  const view = viewOf(caller, wish.userId);
  const leave = await gateway.admission.enter(caller.userId);
  reply.hijack();
  const { raw } = reply;
  // Gone meanwhile: nothing would tell its end any more.
  if (raw.destroyed) return leave();
  // The CORS headers that were set on the reply.
  for (const [name, value] of Object.entries(reply.getHeaders())) raw.setHeader(name, value ?? "");
  raw.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    // nginx would hold events back.
    "x-accel-buffering": "no",
  });
  raw.write(`retry: ${retryMs(gateway)}\n\n`);
  const peer = toPeer(reply, { caller, encoding, gateway, view });
  raw.on("close", leave);
  gateway.peers.add(peer, caller.expiresAt);
  const start: Start =
    given === null ? { from: "now" } : { from: "cursor", cursor: gateway.codec.verify(given) };
  void startSession(peer, start, gateway.session);
}

/** Spread, so that the clients of a replica that ends do not all come back at once. */
const retryMs = ({ random }: Gateway): number => Math.round(1_000 + random() * 2_000);

async function identify(
  request: FastifyRequest,
  wish: Wish,
  lastEventId: string | string[] | undefined,
  gateway: Gateway,
): Promise<Subscriber> {
  const { authorization } = request.headers;
  if (wish.ticket === null || authorization !== undefined) {
    const caller = await gateway.verifyToken(bearerToken(authorization));
    return { caller, encoding: plainEncoding };
  }
  const last = typeof lastEventId === "string" ? gateway.codec.verify(lastEventId) : undefined;
  const { id, caller } = await gateway.tickets.redeem(wish.ticket, last?.proof ?? null);
  return { caller, encoding: sseEncoding(`.${gateway.codec.proofOf(id)}`) };
}

interface PeerParts extends Subscriber {
  readonly gateway: Gateway;
  readonly view: Peer["view"];
}

function toPeer({ raw }: FastifyReply, { caller, encoding, gateway, view }: PeerParts): Peer {
  const closed = new AbortController();
  const close = (code: CloseCode): void => {
    if (raw.writableEnded || raw.destroyed) return;
    gateway.metrics.closed.inc({ code: String(code) });
    gateway.broadcast.leave(peer);
    peer.outbox.close();
    // A slow one would be waited for until it has read all.
    if (code === closeCode.tooSlow) raw.destroy();
    else raw.end();
  };
  const peer: Peer = {
    id: randomUUID(),
    transport: "sse",
    view,
    callerId: caller.userId,
    device: null,
    connectedAt: new Date(),
    encoding,
    outbox: new Outbox(raw, gateway.outboxLimits, () => close(closeCode.tooSlow)),
    closed: closed.signal,
    close,
    // A dead one fails by TCP, or by its queue.
    beat: () => peer.outbox.push(heartbeat, 0),
  };
  raw.on("error", () => raw.destroy());
  raw.on("close", () => {
    peer.outbox.close();
    closed.abort();
  });
  return peer;
}
