/** A member of a consumer group that fetches on while records are delivered, and commits what is settled. */
import type { Consumer, EachBatchPayload, Kafka, TopicPartitionOffset } from "kafkajs";
import type { NoteLevel } from "../../process/note/note.ts";
import type { AssignedRecord, Assignment } from "./assignment.ts";

export interface ConsumerOptions<R extends AssignedRecord> {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly initialOffset: "earliest" | "latest";
  readonly commitIntervalMs: number;
  readonly drainMs: number;
  readonly note: (text: string, level: NoteLevel) => void;
  readonly toRecords: (payload: EachBatchPayload) => R[];
  readonly newAssignment: (after: Promise<void>) => Assignment<R>;
}

// The dispatcher's session timeout. The long poll bounds how late a resumed partition and a stop are noticed.
const sessionTimeoutMs = 10_000;
const longPollMs = 250;
// Of each partition at once, or one batch of the producer. kafkajs' own 1 MiB is memory for each of them, in each source.
const fetchBytes = 128 * 1024;

export async function startConsumer<R extends AssignedRecord>(
  options: ConsumerOptions<R>,
): Promise<AsyncDisposable> {
  const { kafka, groupId, topics, initialOffset, note } = options;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    maxWaitTimeInMs: longPollMs,
    maxBytesPerPartition: fetchBytes,
    retry: { restartOnFailure: () => Promise.resolve(true) },
  });
  let assignment = options.newAssignment(Promise.resolve());
  let isAway = false;
  consumer.on("consumer.group_join", () => {
    if (isAway) note("the consumer is back", "info");
    isAway = false;
    // Fetching starts anew at the committed offsets: what is queued comes again, what runs ends first.
    assignment = options.newAssignment(assignment.stop(options.drainMs));
  });
  consumer.on("consumer.crash", ({ payload }) => {
    if (!isAway) note(`the consumer failed, it tries again: ${payload.error.message}`, "warning");
    isAway = true;
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: initialOffset === "earliest" });
  await consumer.run({
    autoCommit: false,
    eachBatch: async (payload) => {
      // First: nothing may throw once the records are taken, or kafkajs brings them again.
      await payload.heartbeat();
      assignment.accept(options.toRecords(payload), () => payload.pause());
    },
  });
  const committer = startCommitter(consumer, () => assignment.committable(), options);
  return {
    async [Symbol.asyncDispose]() {
      pauseAll(consumer, topics);
      await assignment.stop(options.drainMs);
      await committer.stop();
      await consumer.disconnect();
    },
  };
}

function pauseAll(consumer: Consumer, topics: readonly string[]): void {
  try {
    consumer.pause(topics.map((topic) => ({ topic })));
  } catch {
    // It has failed and not joined again: nothing is fetched that could be paused.
  }
}

function startCommitter(
  consumer: Consumer,
  committable: () => TopicPartitionOffset[],
  { commitIntervalMs, note }: Pick<ConsumerOptions<AssignedRecord>, "commitIntervalMs" | "note">,
) {
  let committed = "";
  const commit = async () => {
    const offsets = committable();
    const wanted = JSON.stringify(offsets);
    if (offsets.length === 0 || wanted === committed) return;
    try {
      await consumer.commitOffsets(offsets);
      committed = wanted;
    } catch (error) {
      // A rebalance or a broker that is away: the next commit has these offsets too, or the records come again.
      note(`offsets are not committed yet: ${(error as Error).message}`, "warning");
    }
  };
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(commit);
  }, commitIntervalMs);
  return {
    stop() {
      clearInterval(timer);
      return running.then(commit);
    },
  };
}
