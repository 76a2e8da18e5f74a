/** Fetching: how much is given, how long is waited, and where an offset stands. */
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openSession } from "./broker-session.ts";
import { fetch, produce, valuesOf } from "./requests.ts";

export function fetchTests(getBroker: () => string): void {
  describe("fetch", () => {
    it("gives a waiting reader a new record at once", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const [reader, writer] = [await session.wire(), await session.wire()];
      await produce(writer, topic, ["first"]);
      const waiting = fetch(reader, topic, { offset: 1, maxWaitMs: 10_000 });
      await wait(50);
      await produce(writer, topic, ["second"]);
      const answeredAt = performance.now();
      expect(valuesOf(await waiting)).toEqual(["second"]);
      expect(performance.now() - answeredAt).toBeLessThan(1000);
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
  });
}
