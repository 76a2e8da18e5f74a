/** Producing: what is stored, under which offset, and what is refused. */
import kafkajs from "kafkajs";
import { describe, expect, it } from "vitest";
import { openSession } from "./broker-session.ts";
import { fetch, newProducerId, produce, producePayload, valuesOf } from "./requests.ts";

const { GZIP, ZSTD } = kafkajs.CompressionTypes;

export function produceTests(getBroker: () => string): void {
  describe("produce", () => {
    it("keeps keys, values, headers, timestamps and null values as they were sent", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const producer = await session.producer();
      const timestamp = String(Date.now() - 5000);
      const messages = [
        { key: "k", value: "v", headers: { ce_id: "1", empty: "" }, timestamp },
        { key: Buffer.from([0, 255]), value: null },
        { key: null, value: "äöü €" },
      ];
      const [stored] = await producer.send({ topic, messages });
      expect(stored).toMatchObject({ errorCode: 0, baseOffset: "0", partition: 0 });
      const [first, second, third] = await session.read(topic, 3);
      expect(first?.headers).toEqual({ ce_id: Buffer.from("1"), empty: Buffer.from("") });
      expect([first?.timestamp, first?.key?.toString(), first?.value?.toString()]).toEqual([
        timestamp,
        "k",
        "v",
      ]);
      expect([second?.key, second?.value]).toEqual([Buffer.from([0, 255]), null]);
      expect([third?.key, third?.value?.toString(), third?.offset]).toEqual([null, "äöü €", "2"]);
    });

    it.each([
      ["gzip", GZIP],
      ["zstd", ZSTD],
    ])("takes and gives batches compressed by %s", async (_name, compression) => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const producer = await session.producer();
      const values = Array.from({ length: 300 }, (_, i) => `value ${i}`);
      await producer.send({ topic, compression, messages: values.map((value) => ({ value })) });
      const read = await session.read(topic, 300);
      expect(read.map(({ value }) => value?.toString())).toEqual(values);
      expect(read.map(({ offset }) => Number(offset))).toEqual([...values.keys()]);
    });

    it("stores and answers requests in their order, though they do not wait for each other", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const values = Array.from({ length: 200 }, (_, i) => String(i));
      const answers = await wire.callAll(
        "produce",
        7,
        values.map((value) => producePayload(topic, [value])),
      );
      const offsets = answers.map(({ topics }) => Number(topics[0].partitions[0].baseOffset));
      expect(offsets).toEqual([...values.keys()]);
      expect(valuesOf(await fetch(wire, topic))).toEqual(values);
    });

    it("does not answer acks=0, and stores the batch all the same", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      expect(await produce(wire, topic, ["unanswered"], { acks: 0 })).toBeUndefined();
      expect(await produce(wire, topic, ["answered"], { acks: 1 })).toMatchObject({
        errorCode: 0,
        baseOffset: "1",
      });
      expect(valuesOf(await fetch(wire, topic))).toEqual(["unanswered", "answered"]);
    });

    it("answers a repeated batch of an idempotent producer with its first offset, storing it once", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const producerId = await newProducerId(wire);
      const sequences = [0, 2, 4, 6, 8];
      for (const firstSequence of sequences)
        await produce(wire, topic, ["a", "b"], { producerId, firstSequence });
      for (const firstSequence of sequences) {
        const again = await produce(wire, topic, ["a", "b"], { producerId, firstSequence });
        expect(again).toMatchObject({ errorCode: 0, baseOffset: String(firstSequence) });
      }
      expect(await fetch(wire, topic)).toMatchObject({ highWatermark: "10" });
    });

    it("stores once what is sent again because the answer was lost with its connection", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const [first, second] = [await session.wire(), await session.wire()];
      const payload = producePayload(topic, ["once"], { producerId: await newProducerId(second) });
      first.socket.end(await first.encode("produce", 7, payload));
      await expect.poll(async () => (await fetch(second, topic)).highWatermark as string).toBe("1");
      const again = await second.call("produce", 7, payload);
      expect(again.topics[0].partitions[0]).toMatchObject({ errorCode: 0, baseOffset: "0" });
      expect(valuesOf(await fetch(second, topic))).toEqual(["once"]);
    });

    it("takes an unknown producer at any sequence, and lets the sequence begin again at its end", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const producerId = await newProducerId(wire);
      for (const firstSequence of [0x7fffffff, 0, 1]) {
        expect(await produce(wire, topic, ["v"], { producerId, firstSequence })).toMatchObject({
          errorCode: 0,
        });
      }
    });

    it("refuses a gap in the sequence and a producer that was replaced", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const producerId = await newProducerId(wire);
      await produce(wire, topic, ["a"], { producerId, producerEpoch: 1 });
      expect(
        await produce(wire, topic, ["c"], { producerId, producerEpoch: 1, firstSequence: 2 }),
      ).toMatchObject({ errorCode: 45 });
      expect(
        await produce(wire, topic, ["b"], { producerId, producerEpoch: 0, firstSequence: 1 }),
      ).toMatchObject({ errorCode: 47 });
      expect(await fetch(wire, topic)).toMatchObject({ highWatermark: "1" });
    });

    it("gives every producer an id of its own", async () => {
      await using session = await openSession(getBroker());
      const wire = await session.wire();
      const ids = [await newProducerId(wire), await newProducerId(wire)];
      expect(new Set(ids).size).toBe(2);
    });

    it("lets kafkajs' idempotent producer send", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(2);
      const producer = await session.producer({ idempotent: true });
      for (const value of ["1", "2", "3"])
        await producer.send({ topic, messages: [{ key: "one", value }] });
      expect((await session.read(topic, 3)).map(({ value }) => value?.toString())).toEqual([
        "1",
        "2",
        "3",
      ]);
    });

    it.each([
      ["an unknown partition", { partition: 9 }, 3],
      ["acks that do not exist", { acks: 2 }, 21],
      ["a timestamp two hours ahead", { timestamp: Date.now() + 7_200_000 }, 32],
    ])("refuses %s", async (_name, options, errorCode) => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      expect(await produce(await session.wire(), topic, ["v"], options)).toMatchObject({
        errorCode,
      });
    });

    it("refuses a topic that does not exist", async () => {
      await using session = await openSession(getBroker());
      expect(await produce(await session.wire(), "no-such-topic", ["v"])).toMatchObject({
        errorCode: 3,
      });
    });

    it("refuses a batch above max.message.bytes and takes one below", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(1, { "max.message.bytes": "1000" });
      const wire = await session.wire();
      expect(await produce(wire, topic, ["x".repeat(1000)])).toMatchObject({ errorCode: 10 });
      expect(await produce(wire, topic, ["x".repeat(800)])).toMatchObject({
        errorCode: 0,
        baseOffset: "0",
      });
    });

    it("refuses a batch whose bytes were changed on the way", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const frame = await wire.encode("produce", 7, producePayload(topic, ["damaged"]));
      const at = frame.indexOf("damaged");
      frame.write("DAMAGED", at);
      wire.socket.write(frame);
      await wire.receive();
      expect(await fetch(wire, topic)).toMatchObject({ highWatermark: "0" });
    });
  });
}
