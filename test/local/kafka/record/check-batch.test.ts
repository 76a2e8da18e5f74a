/** Batches that this log refuses and Kafka takes. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../../local/kafka/server.ts";
import { fetch, valuesOf } from "../../../suite/kafka/requests.ts";
import { makeFolder } from "../../../support/folder.ts";
import { at, produceChanged } from "../../../support/kafka-batch.ts";
import { openWire } from "../../../support/kafka-wire.ts";

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
  ])("that is %s is refused", async (_name, errorCode, change) => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({
      dataDir: folder.path,
      port: 0,
      topics: [{ name: "t", partitions: 1 }],
    });
    using wire = await openWire(kafka.address);
    expect(await produceChanged(wire, "t", change)).toMatchObject({ errorCode });
    expect(await produceChanged(wire, "t", () => {})).toMatchObject({
      errorCode: 0,
      baseOffset: "0",
    });
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
      "t",
      (batch) => batch.writeInt16BE(1, at.attributes),
      bomb,
    );
    expect(answer).toMatchObject({ errorCode: 10 });
  });
});
