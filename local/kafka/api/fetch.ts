/** Fetch: reads batches from an offset on, waiting for more where too little is there. */
import type { Broker } from "../broker.ts";
import { type Call, defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import type { Reader } from "../protocol/reader.ts";
import type { PartitionLog } from "../storage/partition-log.ts";

/** `fetch.max.bytes` of a Kafka broker. */
const ANSWER_LIMIT_BYTES = 57_671_680;

interface WantedPartition {
  readonly topic: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly offset: number;
  readonly maxBytes: number;
}

interface Fetched {
  readonly index: number;
  readonly error: ErrorCode;
  readonly endOffset: number;
  readonly startOffset: number;
  readonly records: Buffer;
}

type Request = ReturnType<typeof readRequest>;
const NO_RECORDS = Buffer.alloc(0);

export const fetch = defineApi({
  key: 1,
  name: "Fetch",
  versions: [4, 11],
  read: readRequest,
  async handle(request, call) {
    // No sessions are kept: whoever asks for one is answered with id 0, which means a full fetch each time.
    if (request.sessionId !== 0) return { error: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, topics: [] };
    await waitForBytes(request, call);
    return { error: ErrorCode.NONE, topics: await readTopics(request, call.broker) };
  },
  write(writer, { error, topics }, version) {
    writer.int32(0);
    if (version >= 7) writer.int16(error).int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name).array(partitions, (partition) => {
        writer
          .int32(partition.index)
          .int16(partition.error)
          .int64(partition.endOffset)
          .int64(partition.endOffset);
        if (version >= 5) writer.int64(partition.startOffset);
        writer.array([], () => {});
        if (version >= 11) writer.int32(-1);
        writer.bytes(partition.records);
      });
    });
  },
});

function readRequest(reader: Reader, version: number) {
  reader.int32();
  const limits = { maxWaitMs: reader.int32(), minBytes: reader.int32(), maxBytes: reader.int32() };
  reader.int8();
  const sessionId = version >= 7 ? reader.int32() : 0;
  if (version >= 7) reader.int32();
  const topics = reader.array(() => {
    const topic = reader.string();
    const partitions = reader.array(() => readPartition(reader, topic, version, limits.maxBytes));
    return { name: topic, partitions };
  });
  if (version >= 7) reader.array(() => [reader.string(), reader.array(() => reader.int32())]);
  if (version >= 11) reader.string();
  return { ...limits, sessionId, topics };
}

function readPartition(
  reader: Reader,
  topic: string,
  version: number,
  limitBytes: number,
): WantedPartition {
  const index = reader.int32();
  const leaderEpoch = version >= 9 ? reader.int32() : -1;
  const offset = reader.int64();
  if (version >= 5) reader.int64();
  return { topic, index, leaderEpoch, offset, maxBytes: Math.min(reader.int32(), limitBytes) };
}

/** Returns when enough is there, a partition has an error to tell, the time is over or the client is gone. */
async function waitForBytes(request: Request, { broker, signal }: Call): Promise<void> {
  const wanted = request.topics.flatMap(({ partitions }) => partitions);
  if (wanted.length === 0 || isReady(broker, wanted, request.minBytes)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = (): void => {
    if (isReady(broker, wanted, request.minBytes)) resolve();
  };
  const unwatch = wanted.map(({ topic, index }) =>
    broker.topics.partition(topic, index).watch(check),
  );
  const timer = setTimeout(resolve, Math.max(request.maxWaitMs, 0));
  const give = (): void => resolve();
  signal.addEventListener("abort", give);
  if (signal.aborted) give();
  await promise;
  signal.removeEventListener("abort", give);
  clearTimeout(timer);
  for (const stop of unwatch) stop();
}

function isReady(broker: Broker, wanted: readonly WantedPartition[], minBytes: number): boolean {
  let available = 0;
  for (const partition of wanted) {
    const log = openAt(broker, partition);
    if (log instanceof KafkaError) return true;
    available += Math.min(log.bytesFrom(partition.offset), partition.maxBytes);
  }
  return available >= minBytes;
}

async function readTopics(
  request: Request,
  broker: Broker,
): Promise<{ name: string; partitions: Fetched[] }[]> {
  let budget = Math.min(request.maxBytes, ANSWER_LIMIT_BYTES);
  let isFirst = true;
  const answers: { name: string; partitions: Fetched[] }[] = [];
  for (const { name, partitions } of request.topics) {
    const fetched: Fetched[] = [];
    for (const wanted of partitions) {
      // One batch is always given, however large: a client must get past it.
      const answer = await readOne(broker, wanted, Math.min(budget, wanted.maxBytes), isFirst);
      budget -= answer.records.length;
      isFirst &&= answer.records.length === 0;
      fetched.push(answer);
    }
    answers.push({ name, partitions: fetched });
  }
  return answers;
}

async function readOne(
  broker: Broker,
  wanted: WantedPartition,
  maxBytes: number,
  atLeastOne: boolean,
): Promise<Fetched> {
  const log = openAt(broker, wanted);
  if (log instanceof KafkaError)
    return {
      index: wanted.index,
      error: log.code,
      endOffset: -1,
      startOffset: -1,
      records: NO_RECORDS,
    };
  const { endOffset, startOffset } = log;
  const records =
    maxBytes > 0 || atLeastOne ? await log.read(wanted.offset, maxBytes, atLeastOne) : NO_RECORDS;
  return { index: wanted.index, error: ErrorCode.NONE, endOffset, startOffset, records };
}

function openAt(
  broker: Broker,
  { topic, index, leaderEpoch, offset, maxBytes }: WantedPartition,
): PartitionLog | KafkaError {
  try {
    const log = broker.topics.partition(topic, index);
    if (leaderEpoch > 0)
      throw new KafkaError(ErrorCode.UNKNOWN_LEADER_EPOCH, "the leader epoch is always 0");
    log.checkInRange(offset);
    if (maxBytes < 0)
      throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "max bytes may not be negative");
    return log;
  } catch (error) {
    if (error instanceof KafkaError) return error;
    throw error;
  }
}
