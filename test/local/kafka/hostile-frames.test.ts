/** Bytes that are no requests: they end their own connection, and nothing else. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../local/kafka/server.ts";
import {
  fetch,
  fetchPayload,
  produce,
  producePayload,
  valuesOf,
} from "../../suite/kafka/requests.ts";
import { makeFolder } from "../../support/folder.ts";
import { openWire } from "../../support/kafka-wire.ts";

const topics = [{ name: "t", partitions: 1 }];

function frame(...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "hex") : part)),
  );
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

const metadataV1 = "0003000100000007ffff";

describe("a hostile frame", () => {
  it.each([
    ["a negative length", Buffer.from("ffffffff", "hex")],
    ["no length at all", Buffer.from("00000000", "hex")],
    ["a length of 2 GB", Buffer.from("7fffffff", "hex")],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a TLS hello", Buffer.from("16030100c8010000c40303", "hex")],
    ["an unknown API", frame("7fff000000000007ffff")],
    ["an unknown version", frame("0003006300000007ffff")],
    ["a header that ends early", frame("000300")],
    ["a client id longer than the frame", frame("00030001000000077fff")],
    ["an array of two thousand million", frame(metadataV1, "7fffffff")],
    ["an array of -2", frame(metadataV1, "fffffffe")],
    ["a string longer than the frame", frame(metadataV1, "00000001", "7fff", "61")],
    ["a null where none may be", frame(metadataV1, "00000001", "ffff")],
  ])("with %s closes its connection alone", async (_name, bytes) => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({ dataDir: folder.path, port: 0, topics });
    using neighbour = await openWire(kafka.address);
    using hostile = await openWire(kafka.address);
    hostile.socket.write(bytes);
    await once(hostile.socket, "close");
    expect(await produce(neighbour, "t", ["v"])).toMatchObject({ errorCode: 0 });
  });

  it("that never ends costs no more than what was sent", async () => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({ dataDir: folder.path, port: 0, topics });
    using slow = await openWire(kafka.address);
    slow.socket.write(Buffer.from("05f5e100000000", "hex"));
    using neighbour = await openWire(kafka.address);
    expect(await produce(neighbour, "t", ["v"])).toMatchObject({ errorCode: 0 });
  });

  it(
    "made by changing bytes of real ones, ten thousand times, does no harm",
    { timeout: 120_000 },
    async () => {
      await using folder = await makeFolder();
      const log: string[] = [];
      await using kafka = await startKafka({
        dataDir: folder.path,
        port: 0,
        topics,
        log: (line) => log.push(line),
      });
      using neighbour = await openWire(kafka.address);
      await produce(neighbour, "t", ["before"]);
      const recorded = await realFrames(kafka.address);
      const random = seededRandom(42);
      for (let round = 0; round < 100; round += 1) {
        using hostile = await openWire(kafka.address);
        hostile.socket.resume();
        const mutations = Array.from({ length: 100 }, () =>
          mutate(recorded[random(recorded.length)] ?? Buffer.alloc(0), random),
        );
        hostile.socket.end(Buffer.concat(mutations));
        await once(hostile.socket, "close");
        expect(await produce(neighbour, "t", ["v"])).toMatchObject({ errorCode: 0 });
      }
      expect(log.filter((line) => line.includes(".ts:"))).toEqual([]);
      expect(valuesOf(await fetch(neighbour, "t"))[0]).toBe("before");
    },
  );
});

async function realFrames(address: string): Promise<Buffer[]> {
  using wire = await openWire(address);
  const stranger = { groupId: "g", memberId: "m", groupGenerationId: 1, generationId: 1 };
  const commits = [{ topic: "t", partitions: [{ partition: 0, offset: 1, metadata: "" }] }];
  const encoded = [
    wire.encode("produce", 7, producePayload("t", ["value", "other"])),
    wire.encode("produce", 7, producePayload("t", ["value"], { compression: 1 })),
    wire.encode("fetch", 11, fetchPayload("t")),
    wire.encode("listOffsets", 3, {
      topics: [{ topic: "t", partitions: [{ partition: 0, timestamp: 5 }] }],
    }),
    wire.encode("metadata", 6, { topics: ["t"], allowAutoTopicCreation: false }),
    wire.encode("offsetCommit", 5, { ...stranger, topics: commits }),
    wire.encode("offsetFetch", 4, { groupId: "g", topics: commits }),
    wire.encode("heartbeat", 3, stranger),
    wire.encode("syncGroup", 3, {
      ...stranger,
      groupAssignment: [{ memberId: "m", memberAssignment: Buffer.from("a") }],
    }),
    wire.encode("leaveGroup", 3, stranger),
    wire.encode("describeGroups", 2, { groupIds: ["g"] }),
    wire.encode("createPartitions", 1, {
      topicPartitions: [{ topic: "t", count: 2 }],
      validateOnly: true,
      timeout: 1,
    }),
    wire.encode("describeConfigs", 2, {
      resources: [{ type: 2, name: "t" }],
      includeSynonyms: true,
    }),
    wire.encode("alterConfigs", 1, {
      resources: [{ type: 2, name: "t", configEntries: [] }],
      validateOnly: true,
    }),
    wire.encode("apiVersions", 2),
  ];
  return await Promise.all(encoded);
}

/** Changes some bytes behind the length, so that the frame itself stays one. */
function mutate(real: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(real);
  for (let changes = 1 + random(4); changes > 0; changes -= 1) {
    const at = 4 + random(bytes.length - 4);
    bytes[at] = [0, 0x7f, 0x80, 0xff, random(256)][random(5)] ?? 0;
  }
  return bytes;
}

/** xorshift32: the same mutations in each run. */
function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
