/** A disk without room: an error to whoever wants to write, and a log that reads and goes on. */
import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../local/kafka/server.ts";
import { fetch, produce, producePayload, valuesOf } from "../../suite/kafka/requests.ts";
import { makeFolder } from "../../support/folder.ts";
import { spawnKafka } from "../../support/kafka-process.ts";
import { type Answer, openWire, type Wire } from "../../support/kafka-wire.ts";

const STORAGE_ERROR = 56;
const COORDINATOR_NOT_AVAILABLE = 15;
const SMALL_DISK_BYTES = 4 * 1024 * 1024;

describe("a file that may not grow", () => {
  it("is an error to the producer, and leaves a log that reads and goes on", async () => {
    await using folder = await makeFolder();
    const acknowledged: string[] = [];
    {
      await using kafka = await spawnKafka(folder.path, { fileLimitKilobytes: 64 });
      using wire = await openWire(kafka.address);
      await makeTopic(wire, "t");
      const errors = await fill(wire, acknowledged);
      expect(new Set(errors)).toEqual(new Set([0, STORAGE_ERROR]));
      expect(await readAll(wire)).toEqual(acknowledged);
      expect(await produce(wire, "t", ["small"])).toMatchObject({ errorCode: 0 });
      await kafka.kill();
    }
    await using kafka = await startKafka({ dataDir: folder.path, port: 0 });
    using wire = await openWire(kafka.address);
    expect(await readAll(wire)).toEqual([...acknowledged, "small"]);
  });
});

describe.skipIf(!canMount())("a disk that is full (a small tmpfs; only root may mount one)", () => {
  it("is an error to producers, commits and new topics; with room again, all go on", async () => {
    await using disk = await mountSmallDisk();
    const acknowledged: string[] = [];
    {
      await using kafka = await spawnKafka(disk.path);
      using wire = await openWire(kafka.address);
      await makeTopic(wire, "t");
      expect(await commit(wire, 0)).toBe(0);
      const ballast = fillDisk(disk.path);
      expect(new Set(await fill(wire, acknowledged))).toEqual(new Set([STORAGE_ERROR]));
      expect(await commit(wire, 1)).toBe(COORDINATOR_NOT_AVAILABLE);
      expect(await makeTopic(wire, "late")).toBe(STORAGE_ERROR);
      expect(await addPartitions(wire)).toBe(STORAGE_ERROR);
      expect(await fetch(wire, "late")).toMatchObject({ errorCode: 3 });
      rmSync(ballast);
      expect(new Set(await fill(wire, acknowledged))).toEqual(new Set([0]));
      expect(await commit(wire, 2)).toBe(0);
      expect(await makeTopic(wire, "late")).toBe(0);
      expect(await addPartitions(wire)).toBe(0);
      await kafka.kill();
    }
    await using kafka = await startKafka({ dataDir: disk.path, port: 0 });
    using wire = await openWire(kafka.address);
    expect(await readAll(wire)).toEqual(acknowledged);
    expect(await committed(wire)).toBe("2");
    expect(await produce(wire, "t", ["v"], { partition: 1 })).toMatchObject({ errorCode: 0 });
  });
});

/** Twenty large batches sent at once; the error of each. */
async function fill(wire: Wire, acknowledged: string[]): Promise<number[]> {
  const values = Array.from({ length: 20 }, (_, i) => `${i}-${"x".repeat(10_000)}`);
  const payloads = values.map((value) => producePayload("t", [value]));
  const answers = await wire.callAll("produce", 7, payloads);
  const errors = answers.map(({ topics }): number => topics[0].partitions[0].errorCode);
  acknowledged.push(...values.filter((_, i) => errors[i] === 0));
  return errors;
}

async function makeTopic(wire: Wire, topic: string): Promise<number> {
  const topics = [{ topic, numPartitions: 1, replicationFactor: 1, configEntries: [] }];
  const answer = await wire.call("createTopics", 3, { topics, validateOnly: false, timeout: 5000 });
  return answer.topicErrors[0].errorCode;
}

async function addPartitions(wire: Wire): Promise<number> {
  const topicPartitions = [{ topic: "t", count: 2 }];
  const wanted = { topicPartitions, validateOnly: false, timeout: 5000 };
  return (await wire.call("createPartitions", 1, wanted)).topicErrors[0].errorCode;
}

/** More than what is left of the last block. */
async function commit(wire: Wire, offset: number): Promise<number> {
  const place = { partition: 0, offset, metadata: "m".repeat(4000) };
  const answer: Answer = await wire.call("offsetCommit", 5, {
    groupId: "g",
    groupGenerationId: -1,
    memberId: "",
    topics: [{ topic: "t", partitions: [place, place] }],
  });
  return answer.responses[0].partitions[0].errorCode;
}

async function committed(wire: Wire): Promise<string> {
  const topics = [{ topic: "t", partitions: [{ partition: 0 }] }];
  const answer = await wire.call("offsetFetch", 4, { groupId: "g", topics });
  return answer.responses[0].partitions[0].offset;
}

async function readAll(wire: Wire): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const { messages, highWatermark } = await fetch(wire, "t", { offset: values.length });
    values.push(...valuesOf({ messages }));
    if (values.length === Number(highWatermark)) return values;
  }
}

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    execFileSync("unshare", ["-m", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function mountSmallDisk(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await makeFolder();
  const path = join(folder.path, "disk");
  await mkdir(path);
  const options = `size=${SMALL_DISK_BYTES}`;
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      execFileSync("umount", ["-l", path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Writes until nothing is free; the file to remove for room. */
function fillDisk(path: string): string {
  const ballast = join(path, "ballast");
  const { bavail, bsize } = statfsSync(path);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize));
  return ballast;
}
