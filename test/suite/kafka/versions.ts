/** Every API in every version that is offered and that kafkajs can write: sent, answered and decoded. */
import { describe, expect, it } from "vitest";
import { encodableVersions, type Wire } from "../../support/kafka-wire.ts";
import { openSession } from "./broker-session.ts";
import { type Example, examples } from "./example.ts";
import { errorCodes } from "./requests.ts";

/**
 * What was recorded between real clients and Apache Kafka: kafkajs 2.2.4, librdkafka 2.0.2 and sarama (Dapr's sidecar 1.16), which
 * never asks for what is offered. OffsetFetch v7 of librdkafka is left out: it takes what it is offered.
 */
const recorded: Record<string, readonly number[]> = {
  apiVersions: [2, 3],
  metadata: [4, 6],
  produce: [6, 7],
  fetch: [8, 11],
  listOffsets: [2, 3],
  findCoordinator: [2],
  joinGroup: [3, 5],
  syncGroup: [2, 3],
  heartbeat: [2, 3],
  leaveGroup: [1, 3],
  offsetCommit: [4, 5, 7],
  offsetFetch: [4],
  initProducerId: [1],
  listGroups: [2],
  describeGroups: [2],
  deleteGroups: [1],
  createTopics: [3],
  deleteTopics: [1],
  createPartitions: [1],
  describeConfigs: [2],
  alterConfigs: [1],
  // librdkafka 2.16 and Kafka's own tools, which have no other way to alter.
  incrementalAlterConfigs: [0],
  deleteRecords: [1],
};

export function versionTests(getBroker: () => string): void {
  describe("versions", () => {
    it("that real clients were recorded to use are offered", async () => {
      await using session = await openSession(getBroker());
      const offered = await offeredVersions(await session.wire());
      for (const [api, versions] of Object.entries(recorded)) {
        const [lowest, highest] = offered.get(examples[api]?.key ?? -1) ?? [-1, -1];
        for (const version of versions) {
          expect(version, `${api} v${version}`).toBeGreaterThanOrEqual(lowest);
          expect(version, `${api} v${version}`).toBeLessThanOrEqual(highest);
        }
      }
    });

    it.each(Object.keys(examples))("of %s are each answered in their own format", async (api) => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const { key, payload, errors = [0] } = examples[api] as Example;
      const [lowest, highest] = (await offeredVersions(wire)).get(key) ?? [-1, -1];
      const versions = encodableVersions(api).filter(
        (version) => version >= lowest && version <= highest,
      );
      expect(versions.length).toBeGreaterThan(0);
      for (const version of versions) {
        const answer = await wire.call(api, version, payload(topic));
        const wanted = api === "leaveGroup" && version < 3 ? [25] : errors;
        expect(errorCodes(answer), `${api} v${version}`).toEqual(wanted);
      }
    });

    it.each([
      ["an API that nobody knows", 0x7000, 0],
      ["a version of Produce that was given up", 0, 2],
      ["a version of Metadata that is yet to come", 3, 99],
      ["a version of CreateTopics that was given up", 19, 1],
    ])("end the connection of one that asks for %s", async (_name, key, version) => {
      await using session = await openSession(getBroker());
      const wire = await session.wire();
      const frame = Buffer.alloc(14);
      frame.writeInt32BE(10, 0);
      frame.writeInt16BE(key, 4);
      frame.writeInt16BE(version, 6);
      frame.writeInt16BE(-1, 12);
      wire.socket.write(frame);
      await expect(wire.receive()).rejects.toThrow("the connection was closed");
    });

    it("of ApiVersions that are not known are answered in the oldest format", async () => {
      await using session = await openSession(getBroker());
      const wire = await session.wire();
      // Its header is flexible: it ends with a count of tagged fields.
      const frame = Buffer.concat([await wire.encode("apiVersions", 2), Buffer.alloc(1)]);
      frame.writeInt32BE(frame.length - 4, 0);
      frame.writeInt16BE(99, 6);
      wire.socket.write(frame);
      const answer = await wire.receive();
      expect(answer.readInt16BE(4)).toBe(35);
      expect(answer.readInt16BE(10)).toBe(18);
    });
  });
}

async function offeredVersions(wire: Wire): Promise<Map<number, readonly [number, number]>> {
  const { apiVersions } = await wire.call("apiVersions", 2);
  const rows = apiVersions as { apiKey: number; minVersion: number; maxVersion: number }[];
  return new Map(
    rows.map(({ apiKey, minVersion, maxVersion }) => {
      // Kafka 4 offers Produce from v0 on for the sake of old clients, and serves it from v3 on.
      return [apiKey, [apiKey === 0 ? 3 : minVersion, maxVersion]];
    }),
  );
}
