/** Produces a record with headers of null, which kafkajs cannot write: empty ones are patched on their way. */
import { crc32c } from "../../local/kafka/record/crc32c.ts";
import { openWire } from "./kafka-wire.ts";

// Of the record batch, magic 2: https://kafka.apache.org/documentation/#recordbatch
const magicAt = 16;
const crcAt = 17;
const checkedFrom = 21;
const fixedBytes = 12;

export interface NullHeaderMessage {
  readonly topic: string;
  readonly partition: number;
  readonly key?: Buffer | null;
  readonly value: string | Buffer | null;
  /** Names of at most 63 bytes. */
  readonly headers: Readonly<Record<string, unknown>>;
}

export async function produceNullHeader(
  broker: string,
  { topic, partition, key = null, value, headers }: NullHeaderMessage,
): Promise<void> {
  using wire = await openWire(broker);
  const written = Object.entries(headers).map(([name, it]) => [name, it ?? ""] as const);
  const message = { key, value, timestamp: Date.now(), headers: Object.fromEntries(written) };
  const partitions = [{ partition, firstSequence: 0, messages: [message] }];
  const frame = await wire.encode("produce", 3, {
    acks: -1,
    timeout: 30_000,
    transactionalId: null,
    producerId: -1,
    producerEpoch: 0,
    compression: 0,
    topicData: [{ topic, partitions }],
  });
  const nullNames = Object.keys(headers).filter((name) => headers[name] === null);
  wire.socket.write(nullify(frame, nullNames));
  const answer = await wire.receive();
  const errorCode = answer.readInt16BE(4 + 4 + 2 + topic.length + 4 + 4);
  if (errorCode !== 0) throw new Error(`produce: error ${errorCode}`);
}

/** The length 0 of a varint becomes -1; both take one byte. */
function nullify(frame: Buffer, names: readonly string[]): Buffer {
  const batch = frame.subarray(batchStart(frame));
  for (const name of names) {
    const empty = Buffer.from([name.length * 2, ...Buffer.from(name), 0]);
    batch[batch.indexOf(empty) + empty.length - 1] = 1;
  }
  batch.writeUInt32BE(crc32c(batch.subarray(checkedFrom)), crcAt);
  return frame;
}

/** The batch is the end of the frame and says its own length. */
function batchStart(frame: Buffer): number {
  for (let at = frame.length - checkedFrom; at >= 0; at--) {
    const isWhole = frame.readInt32BE(at + 8) === frame.length - at - fixedBytes;
    if (isWhole && frame[at + magicAt] === 2) return at;
  }
  throw new Error("the frame has no record batch");
}
