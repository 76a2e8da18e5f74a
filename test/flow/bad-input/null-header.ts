/** Produces a record with a header of null, which kafkajs cannot write: an empty one is patched on its way. */
import { crc32c } from "../../../local/kafka/record/crc32c.ts";
import { openWire } from "../../support/kafka-wire.ts";

const name = "nullable";
// Of the record batch, magic 2: https://kafka.apache.org/documentation/#recordbatch
const magicAt = 16;
const crcAt = 17;
const checkedFrom = 21;
const fixedBytes = 12;

export async function produceNullHeader(
  broker: string,
  partition: number,
  message: { headers: object; value: string },
): Promise<void> {
  using wire = await openWire(broker);
  const headers = { ...message.headers, [name]: "" };
  const messages = [{ key: null, timestamp: Date.now(), ...message, headers }];
  const partitions = [{ partition, firstSequence: 0, messages }];
  const frame = await wire.encode("produce", 3, {
    acks: -1,
    timeout: 30_000,
    transactionalId: null,
    producerId: -1,
    producerEpoch: 0,
    compression: 0,
    topicData: [{ topic: "task-events", partitions }],
  });
  wire.socket.write(nullify(frame));
  const answer = await wire.receive();
  const errorCode = answer.readInt16BE(4 + 4 + 2 + "task-events".length + 4 + 4);
  if (errorCode !== 0) throw new Error(`produce: error ${errorCode}`);
}

/** The length 0 of a varint becomes -1; both take one byte. */
function nullify(frame: Buffer): Buffer {
  const batch = frame.subarray(batchStart(frame));
  batch[batch.indexOf(name) + name.length] = 1;
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
