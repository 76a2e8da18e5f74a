/** Transactions, which the embedded log does not have: a client is told so at once. */
import { describe, expect, it } from "vitest";
import { startKafka } from "../../../local/kafka/server.ts";
import { openSession } from "../../suite/kafka/broker-session.ts";
import { makeFolder } from "../../support/folder.ts";

describe("a transactional producer", () => {
  it("is refused when it begins, not after its retries", async () => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({ dataDir: folder.path, port: 0 });
    await using session = await openSession(kafka.address);
    const producer = await session.producer({
      transactionalId: "tx",
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await expect(producer.transaction()).rejects.toThrow("Transactional Id authorization failed");
  });

  it("does not keep an idempotent one from sending", async () => {
    await using folder = await makeFolder();
    await using kafka = await startKafka({
      dataDir: folder.path,
      port: 0,
      topics: [{ name: "t", partitions: 1 }],
    });
    await using session = await openSession(kafka.address);
    const producer = await session.producer({ idempotent: true });
    expect(await producer.send({ topic: "t", messages: [{ value: "v" }] })).toMatchObject([
      { errorCode: 0, baseOffset: "0" },
    ]);
  });
});
