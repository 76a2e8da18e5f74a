/** The embedded log in a thread of its own: whoever starts it has other work for the one it runs on. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { UsageError } from "../../lib/host/error.ts";
import type { ThreadFailure, ThreadNews, ThreadOrder } from "./thread-entry.ts";

export interface KafkaThreadOptions extends ThreadOrder {
  readonly log: (message: string) => void;
}

/** Resolves when it listens; rejects as `startKafka` does. What fails later ends the process, as it would without the thread. */
export async function startKafkaThread({
  log,
  ...order
}: KafkaThreadOptions): Promise<AsyncDisposable> {
  const thread = new Worker(new URL("thread-entry.ts", import.meta.url), { workerData: order });
  const started = Promise.withResolvers<ThreadFailure | undefined>();
  thread.on("message", (news: ThreadNews) => {
    if ("log" in news) log(news.log);
    else started.resolve(news.failure);
  });
  const failure = await started.promise;
  if (failure !== undefined) throw toError(failure);
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(thread, "exit");
      thread.postMessage("stop");
      await ended;
    },
  };
}

const toError = ({ message, isMistake }: ThreadFailure): Error =>
  isMistake ? new UsageError(message) : new Error(message);
