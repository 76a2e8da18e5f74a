/** What a crash may and may not take. */
import { appendFile, readdir, readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import kafkajs from "kafkajs";
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../local/kafka/server.ts";
import { openSession } from "../../suite/kafka/broker-session.ts";
import { fetch, produce, producePayload, valuesOf } from "../../suite/kafka/requests.ts";
import { makeFolder } from "../../support/folder.ts";
import { spawnKafka } from "../../support/kafka-process.ts";
import { openWire, type Wire } from "../../support/kafka-wire.ts";

const topics = [{ name: "t", partitions: 1 }];

describe("kill -9", () => {
  it("loses nothing that was acknowledged", async () => {
    await using folder = await makeFolder();
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      await using kafka = await spawnKafka(folder.path);
      await using session = await openSession(kafka.address);
      await session.admin.createTopics({ topics: [{ topic: "t", numPartitions: 1 }] });
      const killed = new Promise<void>((resolve) =>
        setTimeout(() => void kafka.kill().then(resolve), 300),
      );
      await Promise.all(
        [0, 1, 2].map((writer) =>
          writeUntilClosed(kafka.address, `${round}-${writer}`, acknowledged),
        ),
      );
      await killed;
    }
    expect(acknowledged.length).toBeGreaterThan(30);
    await using kafka = await startKafka({ dataDir: folder.path, port: 0 });
    using wire = await openWire(kafka.address);
    const stored = new Set(await readAll(wire));
    expect(acknowledged.filter((value) => !stored.has(value))).toEqual([]);
  });

  it("keeps committed offsets, topics and their configs", async () => {
    await using folder = await makeFolder();
    let topic = "";
    {
      await using kafka = await spawnKafka(folder.path);
      await using session = await openSession(kafka.address);
      topic = await session.topic(3, { "retention.ms": "60000" });
      await session.admin.setOffsets({
        groupId: "g",
        topic,
        partitions: [{ partition: 2, offset: "0" }],
      });
      await kafka.kill();
    }
    await using kafka = await startKafka({ dataDir: folder.path, port: 0 });
    await using session = await openSession(kafka.address);
    const [committed] = await session.admin.fetchOffsets({ groupId: "g", topics: [topic] });
    expect(committed?.partitions).toContainEqual({ partition: 2, offset: "0", metadata: null });
    expect((await session.admin.listGroups()).groups).toEqual([
      { groupId: "g", protocolType: "consumer" },
    ]);
    expect(await session.admin.fetchTopicOffsets(topic)).toHaveLength(3);
    const described = await session.admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ["retention.ms"] },
      ],
    });
    expect(described.resources[0]?.configEntries).toMatchObject([{ configValue: "60000" }]);
  });

  it("leaves a lock that the next start takes over", async () => {
    await using folder = await makeFolder();
    const first = await spawnKafka(folder.path);
    await first.kill();
    expect(await readdir(folder.path)).toContain("lock");
    await using second = await spawnKafka(folder.path);
    expect(second.address).toContain("127.0.0.1:");
  });
});

describe("a start", () => {
  it.each([
    ["cut off in a batch's header", 20],
    ["cut off in a batch's records", 70],
  ])(
    "cuts off a last batch that was %s, and goes on behind the one before",
    async (_name, keptBytes) => {
      await using folder = await makeFolder();
      const file = await storeTwo(folder.path);
      const half = (await stat(file)).size / 2;
      await truncate(file, half + keptBytes);
      expect(await restart(folder.path)).toContain(
        `${keptBytes} bytes of an unfinished write cut off behind offset 1`,
      );
    },
  );

  it("cuts off a last batch whose bytes never reached the disk", async () => {
    await using folder = await makeFolder();
    const file = await storeTwo(folder.path);
    const half = (await stat(file)).size / 2;
    await truncate(file, half + 65);
    await appendFile(file, Buffer.alloc(half - 65));
    expect(await restart(folder.path)).toContain("cut off behind offset 1");
  });

  it("is refused when an older segment was damaged, and changes nothing", async () => {
    await using folder = await makeFolder();
    {
      await using kafka = await startKafka({ dataDir: folder.path, port: 0 });
      await using session = await openSession(kafka.address);
      const topic = await session.topic(1, { "internal.segment.bytes": "100" });
      for (const value of ["a", "b", "c"]) await produce(await session.wire(), topic, [value]);
    }
    const file = await firstSegment(folder.path);
    await truncate(file, 30);
    await expect(startKafka({ dataDir: folder.path, port: 0 })).rejects.toThrow(
      "the files were damaged",
    );
    expect((await stat(file)).size).toBe(30);
  });

  it("still knows a repeated batch of an idempotent producer", async () => {
    await using folder = await makeFolder();
    const batch = { producerId: 5, firstSequence: 0 };
    {
      await using kafka = await startKafka({ dataDir: folder.path, port: 0, topics });
      using wire = await openWire(kafka.address);
      await produce(wire, "t", ["before"]);
      expect(await produce(wire, "t", ["once"], batch)).toMatchObject({ baseOffset: "1" });
    }
    await using kafka = await startKafka({ dataDir: folder.path, port: 0 });
    using wire = await openWire(kafka.address);
    expect(await produce(wire, "t", ["once"], batch)).toMatchObject({
      errorCode: 0,
      baseOffset: "1",
    });
    expect(valuesOf(await fetch(wire, "t"))).toEqual(["before", "once"]);
  });

  it("never gives a producer id again", async () => {
    await using folder = await makeFolder();
    const ids = [];
    for (let run = 0; run < 3; run += 1) {
      await using kafka = await startKafka({ dataDir: folder.path, port: 0 });
      using wire = await openWire(kafka.address);
      ids.push((await wire.call("initProducerId", 1, {})).producerId);
    }
    expect(new Set(ids).size).toBe(3);
  });

  it("is refused on a folder that another log uses", async () => {
    await using folder = await makeFolder();
    await using kafka = await spawnKafka(folder.path);
    await expect(startKafka({ dataDir: folder.path, port: 0 })).rejects.toThrow(
      `is in use by process ${kafka.child.pid}`,
    );
    await using own = await startKafka({ dataDir: join(folder.path, "other"), port: 0 });
    await expect(startKafka({ dataDir: join(folder.path, "other"), port: 0 })).rejects.toThrow(
      "is in use by process",
    );
    expect(own.port).toBeGreaterThan(0);
  });

  it("on a port that is taken names the port, and leaves the folder free", async () => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({ dataDir: join(folder.path, "a"), port: 0 });
    const dataDir = join(folder.path, "b");
    await expect(startKafka({ dataDir, port: kafka.port })).rejects.toThrow(
      `port ${kafka.port} on 127.0.0.1 is in use`,
    );
    await using other = await startKafka({ dataDir, port: 0 });
    expect(other.port).not.toBe(kafka.port);
  });
});

async function writeUntilClosed(
  address: string,
  name: string,
  acknowledged: string[],
): Promise<void> {
  using wire = await openWire(address);
  for (let i = 0; ; i += 1) {
    const value = `${name}-${i}`;
    const answer = await produce(wire, "t", [value]).catch(() => undefined);
    if (!answer) return;
    expect(answer.errorCode).toBe(0);
    acknowledged.push(value);
  }
}

async function readAll(wire: Wire): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const { messages, highWatermark } = await fetch(wire, "t", { offset: values.length });
    values.push(...valuesOf({ messages }));
    if (values.length === Number(highWatermark)) return values;
  }
}

/** Two batches of the same size; the file that holds them. */
async function storeTwo(dataDir: string): Promise<string> {
  await using kafka = await spawnKafka(dataDir);
  await using session = await openSession(kafka.address);
  await session.admin.createTopics({ topics: [{ topic: "t", numPartitions: 1 }] });
  using wire = await openWire(kafka.address);
  for (const value of ["first", "later"])
    await wire.call("produce", 7, producePayload("t", [value]));
  await kafka.kill();
  return await firstSegment(dataDir);
}

async function firstSegment(dataDir: string): Promise<string> {
  const catalog = await readFile(join(dataDir, "topics.json"), "utf8");
  const { topics: known } = JSON.parse(catalog) as { topics: { id: string }[] };
  return join(dataDir, "topics", known[0]?.id ?? "", "0", "00000000000000000000.log");
}

/** Checks that the first batch alone is left and the next one follows it; what the start had to say. */
async function restart(dataDir: string): Promise<string> {
  const log: string[] = [];
  await using kafka = await startKafka({ dataDir, port: 0, log: (line) => log.push(line) });
  using wire = await openWire(kafka.address);
  expect(await produce(wire, "t", ["again"])).toMatchObject({ errorCode: 0, baseOffset: "1" });
  expect(valuesOf(await fetch(wire, "t"))).toEqual(["first", "again"]);
  return log.join("\n");
}
