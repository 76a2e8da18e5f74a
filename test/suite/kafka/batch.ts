/** Batches that are refused, though their frame and their checksum are sound. */
import { describe, expect, it } from "vitest";
import { at, produceChanged } from "../../support/kafka-batch.ts";
import { openSession } from "./broker-session.ts";
import { fetch, valuesOf } from "./requests.ts";

export function batchTests(getBroker: () => string): void {
  describe("a batch", () => {
    it.each<[string, number, (batch: Buffer) => unknown]>([
      ["said to be gzip, but is not", -1, (batch) => batch.writeInt16BE(1, at.attributes)],
      [
        "of a transaction that nobody began",
        53,
        (batch) => batch.writeInt16BE(0x10, at.attributes),
      ],
      ["of control records", 87, (batch) => batch.writeInt16BE(0x20, at.attributes)],
      ["of the old message format", 87, (batch) => batch.writeInt8(1, at.magic)],
      [
        "with fewer records than it says",
        87,
        (batch) => (
          batch.writeInt32BE(2, at.lastOffsetDelta),
          batch.writeInt32BE(3, at.recordCount)
        ),
      ],
      [
        "with more records than it says",
        87,
        (batch) => (
          batch.writeInt32BE(0, at.lastOffsetDelta),
          batch.writeInt32BE(1, at.recordCount)
        ),
      ],
      ["with offsets that leave a hole", 87, (batch) => batch.writeInt32BE(5, at.lastOffsetDelta)],
      ["with a record that is too long", 87, (batch) => batch.writeInt8(127, at.records)],
      ["cut off", 87, (batch) => batch.writeInt32BE(batch.length, at.length)],
    ])("that is %s is refused", async (_name, errorCode, change) => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      expect(await produceChanged(wire, topic, change)).toMatchObject({ errorCode });
      const sound = await produceChanged(wire, topic, () => {});
      expect(sound).toMatchObject({ errorCode: 0, baseOffset: "0" });
      expect(valuesOf(await fetch(wire, topic))).toEqual(["one", "two"]);
    });
  });
}
