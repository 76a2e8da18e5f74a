/** A produce request whose batch was changed, its checksum made right again. */
import { crc32c } from "../../local/kafka/record/crc32c.ts";
import { producePayload } from "../suite/kafka/requests.ts";
import type { Answer, Wire } from "./kafka-wire.ts";

/** Where the fields of a batch stand. */
export const at = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  recordCount: 57,
  records: 61,
};

/** Two records, `one` and `two`. */
export async function produceChanged(
  wire: Wire,
  topic: string,
  change: (batch: Buffer) => unknown,
  records?: Buffer,
): Promise<Answer> {
  const frame = await wire.encode("produce", 7, producePayload(topic, ["one", "two"]));
  const start = batchStart(frame);
  const batch = Buffer.concat([
    frame.subarray(start, start + at.records),
    records ?? frame.subarray(start + at.records),
  ]);
  batch.writeInt32BE(batch.length - 12, at.length);
  change(batch);
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc);
  const changed = Buffer.concat([frame.subarray(0, start), batch]);
  changed.writeInt32BE(changed.length - 4, 0);
  changed.writeInt32BE(batch.length, start - 4);
  wire.socket.write(changed);
  const answer = await wire.receive();
  const errorAt = 4 + 4 + 2 + topic.length + 4 + 4;
  const errorCode = answer.readInt16BE(errorAt);
  return { errorCode, baseOffset: String(answer.readBigInt64BE(errorAt + 2)) };
}

/** The batch is the end of the frame, behind its length. */
function batchStart(frame: Buffer): number {
  for (let start = 4; start < frame.length - at.records; start += 1) {
    if (
      frame.readInt32BE(start - 4) === frame.length - start &&
      frame.readInt8(start + at.magic) === 2
    )
      return start;
  }
  throw new Error("there is no batch");
}
