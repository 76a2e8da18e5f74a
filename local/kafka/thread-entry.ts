/** What runs in the embedded log's thread. */
import { parentPort, workerData } from "node:worker_threads";
import { UsageError } from "../../lib/host/error.ts";
import { startKafka } from "./server.ts";

export interface ThreadOrder {
  readonly dataDir: string;
  readonly port: number;
}

/** Without a failure it listens. */
export type ThreadNews = { readonly log: string } | { readonly failure: ThreadFailure | undefined };

/** A thread cannot hand over an error with its class. */
export interface ThreadFailure {
  readonly message: string;
  readonly isMistake: boolean;
}

const tell = (news: ThreadNews): void => parentPort?.postMessage(news);

try {
  const kafka = await startKafka({
    // As `startKafkaThread` gives it.
    ...(workerData as ThreadOrder),
    // As in the cluster and on the real servers: a name that is mistyped, or was deleted, is no topic.
    autoCreateTopics: false,
    log: (message) => tell({ log: message }),
  });
  parentPort?.once("message", () => void kafka[Symbol.asyncDispose]());
  tell({ failure: undefined });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  tell({ failure: { message, isMistake: error instanceof UsageError } });
}
