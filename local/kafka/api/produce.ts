/** Produce: stores batches, and answers when they are on disk. */
import type { Broker } from "../broker.ts";
import { defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import type { Reader } from "../protocol/reader.ts";
import { checkBatch } from "../record/check-batch.ts";

interface Produced {
  readonly index: number;
  readonly error: ErrorCode;
  readonly baseOffset: number;
  readonly startOffset: number;
}

type Refuse = ErrorCode | undefined;

export const produce = defineApi({
  key: 0,
  name: "Produce",
  versions: [3, 7],
  overlaps: true,
  read: (reader) => ({
    transactionalId: reader.nullableString(),
    acks: reader.int16(),
    timeoutMs: reader.int32(),
    topics: reader.array(() => ({
      name: reader.string(),
      partitions: reader.array(() => readPartition(reader)),
    })),
  }),
  async handle({ transactionalId, acks, topics }, { broker }) {
    const refuse = refusal(transactionalId, acks);
    const answers = await Promise.all(
      topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(({ index, records }) => store(broker, name, index, records, refuse)),
        ),
      })),
    );
    return acks === 0 ? undefined : answers;
  },
  write(writer, topics, version) {
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name).array(partitions, ({ index, error, baseOffset, startOffset }) => {
        writer.int32(index).int16(error).int64(baseOffset).int64(-1);
        if (version >= 5) writer.int64(startOffset);
      });
    });
    writer.int32(0);
  },
});

function readPartition(reader: Reader): { index: number; records: Buffer | null } {
  return { index: reader.int32(), records: reader.nullableBytes() };
}

function refusal(transactionalId: string | null, acks: number): Refuse {
  if (acks < -1 || acks > 1) return ErrorCode.INVALID_REQUIRED_ACKS;
  return transactionalId === null ? undefined : ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

async function store(
  broker: Broker,
  topic: string,
  index: number,
  records: Buffer | null,
  refuse: Refuse,
): Promise<Produced> {
  try {
    if (refuse !== undefined) throw new KafkaError(refuse, "the request as a whole is refused");
    const partition = broker.topics.partition(topic, index);
    const { bytes, header } = checkBatch(
      records,
      broker.topics.topic(topic).config.number("max.message.bytes"),
    );
    const baseOffset = await partition.append(bytes, header);
    return { index, error: ErrorCode.NONE, baseOffset, startOffset: partition.startOffset };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    if (error.code === ErrorCode.KAFKA_STORAGE_ERROR)
      broker.log(`${topic}/${index}: ${error.message}: ${messageOf(error.cause)}`);
    const startOffset = broker.topics.get(topic)?.partitions[index]?.startOffset ?? -1;
    return { index, error: error.code, baseOffset: -1, startOffset };
  }
}

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
