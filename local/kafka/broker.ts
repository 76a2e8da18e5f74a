/** What the APIs work on: the topics, the consumer groups and the files under both. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../lib/host/error.ts";
import { GroupCoordinator } from "./group/coordinator.ts";
import { OffsetStore } from "./group/offset-store.ts";
import { readFileIfAny, syncFolder, writeFileAtomically } from "../file/atomic-file.ts";
import { tryLock } from "../file/lock.ts";
import { enforceRetention } from "./topic/retention.ts";
import { TopicStore } from "./topic/topic-store.ts";

/** The one broker of this cluster. */
export const NODE_ID = 1;

export interface BrokerOptions {
  readonly dataDir: string;
  /** Whether a client that asks for an unknown topic gets one with one partition, which is Kafka's default. */
  readonly autoCreateTopics: boolean;
  readonly now: () => number;
  readonly log: (message: string) => void;
}

export interface Broker {
  readonly topics: TopicStore;
  readonly groups: GroupCoordinator;
  readonly autoCreateTopics: boolean;
  readonly log: (message: string) => void;
  enforceRetention(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openBroker({
  dataDir,
  autoCreateTopics,
  now,
  log,
}: BrokerOptions): Promise<Broker> {
  await mkdir(dataDir, { recursive: true });
  await using opening = new AsyncDisposableStack();
  opening.use(lockFolder(dataDir));
  const marker = join(dataDir, "clean-stop");
  const verifyChecksums = !(await takeMarker(marker, dataDir));
  const topics = await TopicStore.open(dataDir, { verifyChecksums, now, log });
  const groups = new GroupCoordinator(await OffsetStore.open(dataDir));
  const held = opening.move();
  return {
    topics,
    groups,
    autoCreateTopics,
    log,
    async enforceRetention() {
      for (const topic of topics.list()) {
        for (const partition of topic.partitions)
          await enforceRetention(partition, topic.config, now());
      }
    },
    async [Symbol.asyncDispose]() {
      await using _lock = held;
      await topics.close();
      await groups.close();
      await writeFileAtomically(marker, "");
    },
  };
}

function lockFolder(dataDir: string): Disposable {
  const lock = tryLock(join(dataDir, "lock"));
  if (typeof lock !== "number") return lock;
  throw new UsageError(
    `The Kafka log in ${dataDir} is in use by process ${lock}: stop that one first.`,
  );
}

/** Gone before anything is written, so that it can only be found after an orderly stop. */
async function takeMarker(marker: string, dataDir: string): Promise<boolean> {
  const isThere = (await readFileIfAny(marker)) !== undefined;
  await rm(marker, { force: true });
  await syncFolder(dataDir);
  return isThere;
}
