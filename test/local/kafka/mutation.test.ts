/** Requests of every API with bytes changed at random: each may end its own connection, and nothing else. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../local/kafka/server.ts";
import { examples } from "../../suite/kafka/example.ts";
import { fetch, produce, valuesOf } from "../../suite/kafka/requests.ts";
import { makeFolder } from "../../support/folder.ts";
import { spawnKafka } from "../../support/kafka-process.ts";
import { encodableVersions, openWire, type Wire } from "../../support/kafka-wire.ts";

const MUTATIONS = 10_000;
const AT_ONCE = 20;
const MEMORY_LIMIT_MB = 500;

/** `SEED=… npx vitest run …` plays a failure again. */
const seed = Number(process.env["SEED"] ?? randomInt(1, 2 ** 31));

describe("ten thousand changed requests", () => {
  it(`do no harm (SEED=${seed})`, { timeout: 120_000 }, async () => {
    await using folder = await makeFolder();
    const kept: string[] = [];
    {
      await using kafka = await spawnKafka(folder.path);
      using neighbour = await openWire(kafka.address);
      for (const topic of ["kept-by-the-neighbour", "t"]) await makeTopic(neighbour, topic);
      const frames = await recordFrames(neighbour);
      const random = seededRandom(seed);
      for (let sent = 0; sent < MUTATIONS; sent += AT_ONCE) {
        const changed = Array.from({ length: AT_ONCE }, (_, i) =>
          mutate(frames[(sent + i) % frames.length] ?? Buffer.alloc(5), random),
        );
        await Promise.all(changed.map((frame) => sendAlone(kafka.address, frame)));
        if (sent % 500 === 0) await keep(neighbour, kept);
      }
      await keep(neighbour, kept);
      expect(kafka.log.filter((line) => line.includes(".ts:"))).toEqual([]);
      expect(largestMemoryMb(kafka.child.pid)).toBeLessThan(MEMORY_LIMIT_MB);
      await kafka.kill();
    }
    const log: string[] = [];
    const options = { dataDir: folder.path, port: 0, log: (line: string) => log.push(line) };
    await using again = await startKafka(options);
    using wire = await openWire(again.address);
    expect(valuesOf(await fetch(wire, "kept-by-the-neighbour"))).toEqual(kept);
    expect(log).toEqual([]);
  });
});

async function makeTopic(wire: Wire, topic: string): Promise<void> {
  const topics = [{ topic, numPartitions: 1, replicationFactor: 1, configEntries: [] }];
  await wire.call("createTopics", 3, { topics, validateOnly: false, timeout: 5000 });
}

async function keep(wire: Wire, kept: string[]): Promise<void> {
  const value = `record ${kept.length}`;
  const answer = await produce(wire, "kept-by-the-neighbour", [value]);
  expect(answer).toMatchObject({ errorCode: 0, baseOffset: String(kept.length) });
  kept.push(value);
}

/** What kafkajs sends for each API, in each version that it knows. */
async function recordFrames(wire: Wire): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  for (const [api, { payload }] of Object.entries(examples)) {
    for (const version of encodableVersions(api))
      frames.push(await wire.encode(api, version, payload("t")));
  }
  return frames;
}

/** Mostly behind the length, so that the frame itself stays one. */
function mutate(real: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(real);
  for (let changes = 1 + random(4); changes > 0; changes -= 1) {
    const from = random(20) === 0 ? 0 : 4;
    const at = from + random(bytes.length - from);
    bytes[at] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)] ?? 0;
  }
  return bytes;
}

/** On a connection of its own, so that each is read, whatever became of the one before. */
async function sendAlone(address: string, frame: Buffer): Promise<void> {
  const [host = "", port] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => socket.destroy());
  socket.resume().end(frame);
  await once(socket, "close");
}

/** Only Linux tells. */
function largestMemoryMb(pid: number | undefined): number {
  if (process.platform !== "linux") return 0;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** xorshift32: the same mutations for the same seed. */
function seededRandom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
