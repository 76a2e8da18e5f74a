/** Batches that this log refuses, though their frame is sound. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../../local/kafka/record/crc32c.ts";
import { startKafka } from "../../../../local/kafka/server.ts";
import { fetch, producePayload, valuesOf } from "../../../suite/kafka/requests.ts";
import { makeFolder } from "../../../support/folder.ts";
import { type Answer, openWire, type Wire } from "../../../support/kafka-wire.ts";

const at = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  recordCount: 57,
  records: 61,
};

describe("a batch", () => {
  it.each<[string, number, (batch: Buffer) => unknown]>([
    [
      "compressed by snappy, which kafkajs could not read",
      76,
      (batch) => batch.writeInt16BE(2, at.attributes),
    ],
    [
      "compressed by lz4, which kafkajs could not read",
      76,
      (batch) => batch.writeInt16BE(3, at.attributes),
    ],
    ["said to be gzip, but is not", 2, (batch) => batch.writeInt16BE(1, at.attributes)],
    ["of a transaction", 48, (batch) => batch.writeInt16BE(0x10, at.attributes)],
    ["of control records", 87, (batch) => batch.writeInt16BE(0x20, at.attributes)],
    ["of the old message format", 87, (batch) => batch.writeInt8(1, at.magic)],
    [
      "with fewer records than it says",
      87,
      (batch) => (batch.writeInt32BE(2, at.lastOffsetDelta), batch.writeInt32BE(3, at.recordCount)),
    ],
    [
      "with more records than it says",
      87,
      (batch) => (batch.writeInt32BE(0, at.lastOffsetDelta), batch.writeInt32BE(1, at.recordCount)),
    ],
    ["with offsets that leave a hole", 87, (batch) => batch.writeInt32BE(5, at.lastOffsetDelta)],
    ["with a record that is too long", 87, (batch) => batch.writeInt8(127, at.records)],
    ["that is cut off", 2, (batch) => batch.writeInt32BE(batch.length, at.length)],
  ])("that is %s is refused", async (_name, errorCode, change) => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({
      dataDir: folder.path,
      port: 0,
      topics: [{ name: "t", partitions: 1 }],
    });
    using wire = await openWire(kafka.address);
    expect(await produceChanged(wire, change)).toMatchObject({ errorCode });
    expect(await produceChanged(wire, () => {})).toMatchObject({ errorCode: 0, baseOffset: "0" });
    expect(valuesOf(await fetch(wire, "t"))).toEqual(["one", "two"]);
  });

  it("that would inflate to a gigabyte is refused without inflating it", async () => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({
      dataDir: folder.path,
      port: 0,
      topics: [{ name: "t", partitions: 1 }],
    });
    using wire = await openWire(kafka.address);
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    const answer = await produceChanged(
      wire,
      (batch) => batch.writeInt16BE(1, at.attributes),
      bomb,
    );
    expect(answer).toMatchObject({ errorCode: 2 });
  });
});

/** Two records, the batch changed and its checksum made right again. */
async function produceChanged(
  wire: Wire,
  change: (batch: Buffer) => unknown,
  records?: Buffer,
): Promise<Answer> {
  const frame = await wire.encode("produce", 7, producePayload("t", ["one", "two"]));
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
  const errorAt = 4 + 4 + 2 + 1 + 4 + 4;
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
