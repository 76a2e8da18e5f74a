/** What retention deletes, and what it leaves. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../../local/kafka/server.ts";
import { openSession } from "../../../suite/kafka/broker-session.ts";
import { fetch, produce, valuesOf } from "../../../suite/kafka/requests.ts";
import { makeFolder } from "../../../support/folder.ts";
import { openWire } from "../../../support/kafka-wire.ts";

describe("retention", () => {
  it("by bytes deletes the oldest segments, and tells readers that were behind", async () => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({ dataDir: folder.path, port: 0, retentionCheckMs: 20 });
    await using session = await openSession(kafka.address);
    const topic = await session.topic(1, {
      "retention.bytes": "1000",
      "internal.segment.bytes": "300",
    });
    using wire = await openWire(kafka.address);
    for (let i = 0; i < 20; i += 1) await produce(wire, topic, [`${i}-${"x".repeat(100)}`]);
    await expect.poll(() => startOf(session, topic)).toBeGreaterThan(12);
    expect(await fetch(wire, topic, { offset: 0 })).toMatchObject({ errorCode: 1 });
    const kept = valuesOf(
      await fetch(wire, topic, { offset: await startOf(session, topic), maxBytes: 1 }),
    );
    expect(kept[0]).toMatch(/^\d+-x+$/);
    const segments = await segmentFiles(folder.path);
    expect(segments.length).toBeLessThan(8);
    expect(Number.parseInt(segments[0] ?? "", 10)).toBeGreaterThan(5);
  });

  it("by time empties a topic whose records are all too old, and never gives an offset again", async () => {
    await using folder = await makeFolder();
    let now = Date.now();
    const options = { dataDir: folder.path, port: 0, retentionCheckMs: 20, now: () => now };
    let topic = "";
    {
      await using kafka = await startKafka(options);
      await using session = await openSession(kafka.address);
      topic = await session.topic(1, { "retention.ms": "3600000" });
      await produce(await session.wire(), topic, ["a", "b", "c"]);
      now += 3_000_000;
      await produce(await session.wire(), topic, ["d"], { timestamp: now });
      expect(await startOf(session, topic)).toBe(0);
      now += 3_700_000;
      await expect.poll(() => startOf(session, topic)).toBe(4);
    }
    await using kafka = await startKafka(options);
    await using session = await openSession(kafka.address);
    expect(await session.admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "4", high: "4" }]);
    expect(await produce(await session.wire(), topic, ["e"], { timestamp: now })).toMatchObject({
      baseOffset: "4",
    });
  });

  it("leaves everything where it is unlimited", async () => {
    await using folder = await makeFolder();
    const now = Date.now() + 10 * 365 * 86_400_000;
    await using kafka = await startKafka({
      dataDir: folder.path,
      port: 0,
      retentionCheckMs: 5,
      now: () => now,
    });
    await using session = await openSession(kafka.address);
    const [kept, expired] = [
      await session.topic(1, { "retention.ms": "-1" }),
      await session.topic(),
    ];
    for (const topic of [kept, expired]) await produce(await session.wire(), topic, ["a"]);
    await expect.poll(() => startOf(session, expired)).toBe(1);
    expect(await startOf(session, kept)).toBe(0);
  });
});

async function startOf(
  { admin }: Awaited<ReturnType<typeof openSession>>,
  topic: string,
): Promise<number> {
  const [offsets] = await admin.fetchTopicOffsets(topic);
  return Number(offsets?.low);
}

async function segmentFiles(dataDir: string): Promise<string[]> {
  const { topics } = JSON.parse(await readFile(join(dataDir, "topics.json"), "utf8")) as {
    topics: { id: string }[];
  };
  const files = await readdir(join(dataDir, "topics", topics[0]?.id ?? "", "0"));
  return files.filter((name) => name.endsWith(".log")).toSorted();
}
