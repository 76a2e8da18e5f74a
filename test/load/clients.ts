/** The process of the WebSocket clients, from outside. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ClientsNews, ClientsOrder, Seen } from "./client-process.ts";

export interface Clients extends Disposable {
  readonly pid: number;
  /** So far, a moment ago. */
  readonly frames: number;
  /** Ends the count: what came in all. */
  finish(): Promise<Seen>;
}

/** Resolves when all have said hello. */
export async function startClients(order: ClientsOrder): Promise<Clients> {
  const child = fork(join(import.meta.dirname, "client-process.ts"), {
    serialization: "advanced",
  });
  let frames = 0;
  const seen = Promise.withResolvers<Seen>();
  const connected = Promise.withResolvers<void>();
  child.on("message", (news: ClientsNews) => {
    if ("connected" in news) connected.resolve();
    else frames = news.frames;
    if ("receivedAt" in news) seen.resolve(news);
  });
  child.once("exit", (code) => {
    const error = new Error(`the WebSocket clients ended with ${code}`);
    connected.reject(error);
    seen.reject(error);
  });
  // Awaited only at the end.
  seen.promise.catch(() => undefined);
  child.send(order);
  await connected.promise;
  return {
    pid: child.pid ?? 0,
    get frames() {
      return frames;
    },
    finish: () => {
      child.send("finish");
      return seen.promise;
    },
    [Symbol.dispose]: () => void end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill();
  await once(child, "exit");
}
