/** Bytes that are no requests: they end their own connection, and nothing else. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../local/kafka/server.ts";
import { produce } from "../../suite/kafka/requests.ts";
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

  it.each([
    [
      "an array of more elements than anybody names",
      frame(metadataV1, "000f4240", Buffer.alloc(2_000_000)),
    ],
    [
      "a name that cannot be answered",
      frame("0003000600000007ffff", "00000001", "7fff", Buffer.alloc(0x7fff, 0xff), "00"),
    ],
  ])("with %s is refused without a fuss", async (_name, bytes) => {
    await using folder = await makeFolder();
    const log: string[] = [];
    const options = {
      dataDir: folder.path,
      port: 0,
      topics,
      log: (line: string) => log.push(line),
    };
    await using kafka = await startKafka(options);
    using hostile = await openWire(kafka.address);
    hostile.socket.write(bytes);
    await once(hostile.socket, "close");
    expect(log).toEqual([
      expect.stringMatching(/^a connection from 127.0.0.1 was closed: a (request|string) of/),
    ]);
  });

  it("that commits an offset beyond all offsets spoils nobody's reading of them", async () => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({ dataDir: folder.path, port: 0, topics });
    using wire = await openWire(kafka.address);
    const partitions = [{ partition: 0, offset: "9223372036854775807", metadata: "" }];
    const outsider = { groupId: "g", groupGenerationId: -1, memberId: "" };
    await wire.call("offsetCommit", 5, { ...outsider, topics: [{ topic: "t", partitions }] });
    const read = await wire.call("offsetFetch", 4, {
      groupId: "g",
      topics: [{ topic: "t", partitions: [{ partition: 0 }] }],
    });
    expect(read.responses[0].partitions).toMatchObject([{ offset: String(2 ** 53 - 1) }]);
  });
});
