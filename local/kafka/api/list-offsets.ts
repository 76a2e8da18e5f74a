/** ListOffsets: the first, the next, or the first offset at or after a time. */
import type { Broker } from "../broker.ts";
import { defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";

const LATEST = -1;
const EARLIEST = -2;

interface Listed {
  readonly index: number;
  readonly error: ErrorCode;
  readonly timestamp: number;
  readonly offset: number;
}

export const listOffsets = defineApi({
  key: 2,
  name: "ListOffsets",
  versions: [1, 3],
  read(reader, version) {
    reader.int32();
    if (version >= 2) reader.int8();
    return reader.array(() => ({
      name: reader.string(),
      partitions: reader.array(() => ({ index: reader.int32(), timestamp: reader.int64() })),
    }));
  },
  handle: (topics, { broker }) =>
    Promise.all(
      topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(({ index, timestamp }) => list(broker, name, index, timestamp)),
        ),
      })),
    ),
  write(writer, topics, version) {
    if (version >= 2) writer.int32(0);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name).array(partitions, ({ index, error, timestamp, offset }) => {
        writer.int32(index).int16(error).int64(timestamp).int64(offset);
      });
    });
  },
});

async function list(
  broker: Broker,
  topic: string,
  index: number,
  timestamp: number,
): Promise<Listed> {
  try {
    const { offset, at } = await find(broker, topic, index, timestamp);
    return { index, error: ErrorCode.NONE, timestamp: at, offset };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { index, error: error.code, timestamp: -1, offset: -1 };
  }
}

async function find(
  broker: Broker,
  topic: string,
  index: number,
  timestamp: number,
): Promise<{ offset: number; at: number }> {
  const log = broker.topics.partition(topic, index);
  if (timestamp === LATEST) return { offset: log.endOffset, at: -1 };
  if (timestamp === EARLIEST) return { offset: log.startOffset, at: -1 };
  if (timestamp < EARLIEST)
    throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, `${timestamp} belongs to later versions`);
  const found = await log.findByTime(timestamp);
  return { offset: found?.offset ?? -1, at: found?.timestamp ?? -1 };
}
