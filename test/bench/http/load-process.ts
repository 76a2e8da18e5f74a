/**
 * The load, in a process of its own: each connection posts its next event when the last one was answered. On bare
 * sockets, which takes less time than any of the servers does.
 */
import { connect, type Socket } from "node:net";
import { percentile } from "../ratio.ts";
import { requestMaker } from "./request.ts";

export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  readonly ms: number;
  readonly prefix: string;
  /** Of the first event; the next order goes on behind the last one's `answers`. */
  readonly first: number;
  readonly partitions: number;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type LoadNews = LoadResult | { readonly error: string };

const accepted = Buffer.from("HTTP/1.1 204");
const endOfHead = Buffer.from("\r\n\r\n");

process.on("message", (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result satisfies LoadNews),
    (error: unknown) => process.send?.({ error: String(error) } satisfies LoadNews),
  );
});
process.once("disconnect", () => process.exit());

async function run(order: LoadOrder): Promise<LoadResult> {
  const { connections, ms, first } = order;
  const make = requestMaker(order);
  const latencies: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + ms;
  let next = first;
  const post = (socket: Socket): boolean => {
    if (performance.now() >= until) return false;
    socket.write(make(next++), "latin1");
    return true;
  };
  const all = Array.from({ length: connections }, () => keepPosting(order.port, post, latencies));
  await Promise.all(all);
  const seconds = (performance.now() - startedAt) / 1_000;
  const sorted = Float64Array.from(latencies).sort();
  return {
    answers: sorted.length,
    seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}

/** Rejects with the first answer that is no 204. */
function keepPosting(
  port: number,
  post: (socket: Socket) => boolean,
  latencies: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let pending: Buffer | undefined;
    const send = (): void => {
      sentAt = performance.now();
      if (post(socket)) return;
      socket.destroy();
      resolve();
    };
    const onData = (length: number, buffer: Uint8Array): boolean => {
      const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, length);
      const answer = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
      if (!answer.subarray(-endOfHead.length).equals(endOfHead)) {
        pending = Buffer.from(answer);
      } else if (answer.subarray(0, accepted.length).equals(accepted)) {
        pending = undefined;
        latencies.push(performance.now() - sentAt);
        send();
        return true;
      }
      if (!accepted.subarray(0, answer.length).equals(answer.subarray(0, accepted.length))) {
        reject(new Error(`an event was answered: ${answer.toString("latin1")}`));
        socket.destroy();
      }
      return true;
    };
    const buffer = Buffer.alloc(16 * 1024);
    const socket = connect({ port, host: "127.0.0.1", onread: { buffer, callback: onData } });
    socket.setNoDelay(true);
    socket.once("connect", send);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the server closed a connection")));
  });
}
