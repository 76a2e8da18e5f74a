/** Many WebSocket clients on bare sockets, and who publishes to them, in a process of their own. */
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { percentile } from "../ratio.ts";
import { FrameCounter } from "./frame-counter.ts";
import { type Publication, publicationOf } from "./publication.ts";

export interface ConnectOrder {
  readonly kind: "connect";
  readonly port: number;
  readonly clients: number;
  /** Of each partition; by default it goes on where the clients before were. */
  readonly firstOffset?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent once the WebSocket is open. */
  readonly greeting?: string;
  /** What an event is POSTed as. */
  readonly publication: Publication;
}

export interface PublishOrder {
  readonly kind: "publish";
  readonly perSecond: number;
  readonly ms: number;
}

export interface Published {
  readonly sent: number;
  readonly deliveries: number;
  readonly seconds: number;
  /** From the POST to the frame, over all deliveries of events that were alone. */
  readonly p50Ms: number;
}

export type CrowdOrder = ConnectOrder | PublishOrder;
export type CrowdNews = { readonly connected: true } | Published | { readonly error: string };

const connectAtOnce = 50;
/** As the sidecar does it: the events of a partition one after the other. */
const partitions = 12;
/** What is late by so much is not counted. */
const lateMs = 1_000;

process.on("message", (order: CrowdOrder) => {
  obey(order).then(
    (news) => process.send?.(news),
    (error: unknown) => process.send?.({ error: String(error) } satisfies CrowdNews),
  );
});
process.once("disconnect", () => process.exit());

let sockets: Socket[] = [];
let target: ConnectOrder | undefined;
let deliveries = 0;
let published = 0;
let sentAt = 0;
let latencies: number[] = [];

async function obey(order: CrowdOrder): Promise<CrowdNews> {
  if (order.kind === "publish") return publish(order);
  for (const socket of sockets) socket.destroy();
  sockets = [];
  if (order.firstOffset !== undefined) published = order.firstOffset * partitions;
  target = order;
  while (sockets.length < order.clients) {
    const count = Math.min(connectAtOnce, order.clients - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(order)))));
  }
  return { connected: true };
}

/** Resolves once the server has answered the greeting, or the handshake where there is none. */
function open({ port, path, headers, greeting }: ConnectOrder): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const counter = new FrameCounter();
    let isOpen = false;
    const onData = (length: number, buffer: Uint8Array): boolean => {
      let bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length);
      if (!isOpen) {
        const end = bytes.indexOf("\r\n\r\n");
        if (!bytes.toString("latin1").startsWith("HTTP/1.1 101") || end === -1) {
          reject(new Error(`no WebSocket: ${bytes.toString("latin1")}`));
          return false;
        }
        isOpen = true;
        bytes = bytes.subarray(end + 4);
        if (greeting !== undefined) socket.write(maskedText(greeting));
        resolve(socket);
      }
      const events = counter.take(bytes, (first) => {
        // Engine.IO's ping, to be answered by its pong.
        if (first === 0x32 && greeting === "40") socket.write(maskedText("3"));
      });
      if (events > 0) arrived(events);
      return true;
    };
    const buffer = Buffer.alloc(64 * 1024);
    const socket = connect({ port, host: "127.0.0.1", onread: { buffer, callback: onData } });
    socket.once("error", reject);
    socket.write(handshake(path, headers));
  });
}

function arrived(events: number): void {
  deliveries += events;
  if (sentAt > 0) latencies.push(performance.now() - sentAt);
}

const handshake = (path: string, headers: Readonly<Record<string, string>>): string =>
  [
    `GET ${path} HTTP/1.1`,
    "host: localhost",
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    `sec-websocket-key: ${randomBytes(16).toString("base64")}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "\r\n",
  ].join("\r\n");

/** A client masks what it sends; a mask of zeros changes nothing. */
function maskedText(text: string): Buffer {
  const finalText = 0x81;
  return Buffer.concat([
    Buffer.from([finalText, 0x80 | text.length, 0, 0, 0, 0]),
    Buffer.from(text),
  ]);
}

async function publish({ perSecond, ms }: PublishOrder): Promise<Published> {
  const agent = new Agent({ keepAlive: true });
  const lanes = Array.from({ length: partitions }, () => Promise.resolve());
  deliveries = 0;
  latencies = [];
  // Alone is what has nobody within a tenth of a second.
  const isAlone = perSecond <= 10;
  const startedAt = performance.now();
  const end = startedAt + ms;
  let sent = 0;
  while (performance.now() < end) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) + 1;
    for (; sent < due; sent++) {
      const number = published++;
      const lane = number % partitions;
      lanes[lane] = (lanes[lane] ?? Promise.resolve()).then(async () => {
        if (performance.now() > end) return;
        sentAt = isAlone ? performance.now() : 0;
        await post(agent, number);
      });
    }
    await delay(1);
  }
  await Promise.race([Promise.all(lanes), delay(lateMs)]);
  await untilQuiet(end + lateMs);
  const seconds = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  const sorted = Float64Array.from(latencies).sort();
  return { sent, deliveries, seconds, p50Ms: percentile(sorted, 0.5) };
}

async function untilQuiet(deadline: number): Promise<void> {
  for (let seen = -1; seen !== deliveries && performance.now() < deadline;) {
    seen = deliveries;
    await delay(100);
  }
}

function post(agent: Agent, number: number): Promise<void> {
  if (target === undefined) throw new Error("nobody is connected");
  const { port, publication } = target;
  const { path, headers, body } = publicationOf(publication, number, partitions);
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", method: "POST", path, headers, agent };
    const posted = request(options, (response) => {
      response.resume().once("end", resolve);
      if ((response.statusCode ?? 500) >= 300) {
        reject(new Error(`a publication was answered ${response.statusCode}`));
      }
    });
    posted.once("error", reject).end(body);
  });
}
