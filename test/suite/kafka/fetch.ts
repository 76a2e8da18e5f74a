/** Fetching: how much is given, how long is waited, and where an offset stands. */
import kafkajs from "kafkajs";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../support/kafka-wire.ts";
import { openSession } from "./broker-session.ts";
import { fetch, produce, valuesOf } from "./requests.ts";

export function fetchTests(getBroker: () => string): void {
  describe("fetch", () => {
    it("gives a reader that waits at the end a new record within milliseconds", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const [reader, writer] = [await session.wire(), await session.wire()];
      const delaysMs: number[] = [];
      for (let offset = 0; offset < 30; offset += 1) {
        const waiting = fetch(reader, topic, { offset, maxWaitMs: 10_000 });
        const woken = waiting.then(() => performance.now());
        await produce(writer, topic, [`record ${offset}`]);
        const storedAt = performance.now();
        expect(valuesOf(await waiting)).toEqual([`record ${offset}`]);
        delaysMs.push((await woken) - storedAt);
      }
      expect(delaysMs.toSorted((a, b) => a - b)[15]).toBeLessThan(20);
    });

    it("answers with nothing when the wait is over", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const startedAt = performance.now();
      const answer = await fetch(await session.wire(), topic, { maxWaitMs: 300 });
      expect(answer).toMatchObject({ errorCode: 0, highWatermark: "0", messages: [] });
      expect(performance.now() - startedAt).toBeGreaterThan(250);
    });

    it("waits until min bytes are there", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const [reader, writer] = [await session.wire(), await session.wire()];
      const waiting = fetch(reader, topic, { minBytes: 1000, maxWaitMs: 10_000 });
      await produce(writer, topic, ["small"]);
      await produce(writer, topic, ["x".repeat(1000)]);
      expect(valuesOf(await waiting)).toHaveLength(2);
    });

    it("keeps to max bytes, yet always gives one batch", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      for (const letter of ["a", "b", "c"]) await produce(wire, topic, [letter.repeat(1000)]);
      expect(valuesOf(await fetch(wire, topic, { partitionMaxBytes: 10 }))).toHaveLength(1);
      expect(valuesOf(await fetch(wire, topic, { maxBytes: 10 }))).toHaveLength(1);
      expect(valuesOf(await fetch(wire, topic, { partitionMaxBytes: 2500 }))).toHaveLength(2);
      expect(valuesOf(await fetch(wire, topic))).toHaveLength(3);
    });

    it("shares max bytes among the partitions of a request, in their order", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(3);
      const wire = await session.wire();
      for (const partition of [0, 1, 2])
        await produce(wire, topic, ["x".repeat(1000)], { partition });
      const partitions = [2, 1, 0].map((partition) => ({
        partition,
        fetchOffset: 0,
        maxBytes: 10_000,
      }));
      const limits = { maxWaitTime: 0, minBytes: 1, maxBytes: 1500 };
      const answer = await wire.call("fetch", 11, { ...limits, topics: [{ topic, partitions }] });
      const found = (answer.responses[0].partitions as Answer[]).map((it) => [
        it.partition,
        it.errorCode,
        it.messages.length,
      ]);
      expect(found).toEqual([
        [2, 0, 1],
        [1, 0, 0],
        [0, 0, 0],
      ]);
    });

    it("tells a waiting reader that its topic was deleted", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const waiting = fetch(wire, topic, { maxWaitMs: 10_000 });
      await session.admin.deleteTopics({ topics: [topic] });
      expect(await waiting).toMatchObject({ errorCode: 3, messages: [] });
    });

    it("gives the batch that holds an offset in its middle", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      await produce(wire, topic, ["a", "b", "c"]);
      await produce(wire, topic, ["d"]);
      const { messages } = await fetch(wire, topic, { offset: 1 });
      expect(messages.map(({ offset }: { offset: string }) => offset)).toContain("1");
      expect(valuesOf(await fetch(wire, topic, { offset: 3 }))).toEqual(["d"]);
    });

    it("tells an offset that is outside of the log", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      await produce(wire, topic, ["a"]);
      expect(await fetch(wire, topic, { offset: 2 })).toMatchObject({ errorCode: 1 });
      expect(await fetch(wire, topic, { offset: -5 })).toMatchObject({ errorCode: 1 });
      expect(await fetch(wire, topic, { offset: 1 })).toMatchObject({ errorCode: 0 });
    });

    it("tells a partition that does not exist", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      expect(await fetch(await session.wire(), topic, { partition: 7 })).toMatchObject({
        errorCode: 3,
      });
    });
  });

  describe("list offsets", () => {
    it("finds the beginning, the end and the first record at or after a time", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const producer = await session.producer();
      const base = Date.now() - 100_000;
      const at = (seconds: number): string => String(base + seconds * 1000);
      await producer.send({
        topic,
        messages: [0, 10, 20].map((second) => ({ value: "v", timestamp: at(second) })),
      });
      await producer.send({
        topic,
        messages: [30, 40].map((second) => ({ value: "v", timestamp: at(second) })),
      });
      expect(await session.admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "0", high: "5" }]);
      const wire = await session.wire();
      const find = async (timestamp: number): Promise<unknown> => {
        const partitions = [{ partition: 0, timestamp }];
        return (await wire.call("listOffsets", 3, { topics: [{ topic, partitions }] })).responses[0]
          .partitions[0];
      };
      expect(await find(Number(at(-5)))).toMatchObject({ offset: "0", timestamp: at(0) });
      expect(await find(Number(at(20)))).toMatchObject({ offset: "2", timestamp: at(20) });
      expect(await find(Number(at(21)))).toMatchObject({ offset: "3", timestamp: at(30) });
      expect(await find(Number(at(41)))).toMatchObject({ offset: "-1", timestamp: "-1" });
    });

    it("finds a record by its time inside of a compressed batch", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const producer = await session.producer();
      const base = Date.now() - 100_000;
      const messages = [0, 10, 20].map((ms) => ({ value: "v", timestamp: String(base + ms) }));
      await producer.send({ topic, compression: kafkajs.CompressionTypes.GZIP, messages });
      const wire = await session.wire();
      const partitions = [{ partition: 0, timestamp: base + 5 }];
      const { responses } = await wire.call("listOffsets", 3, { topics: [{ topic, partitions }] });
      expect(responses[0].partitions).toMatchObject([
        { offset: "1", timestamp: String(base + 10) },
      ]);
    });
  });
}
