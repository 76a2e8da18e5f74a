/** Every API in every version that is offered and that kafkajs can write: sent, answered and decoded without a rest. */
import { describe, expect, it } from "vitest";
import { encodableVersions } from "../../support/kafka-wire.ts";
import { openSession } from "./broker-session.ts";
import { fetchPayload, producePayload } from "./requests.ts";

const groupId = "versions";
const stranger = { groupId, memberId: "stranger", groupGenerationId: 1, generationId: 1 };

const payloads: Record<string, { key: number; payload: (topic: string) => unknown }> = {
  produce: { key: 0, payload: (topic) => producePayload(topic, ["value"]) },
  fetch: { key: 1, payload: (topic) => fetchPayload(topic) },
  listOffsets: {
    key: 2,
    payload: (topic) => ({ topics: [{ topic, partitions: [{ partition: 0, timestamp: -1 }] }] }),
  },
  metadata: { key: 3, payload: (topic) => ({ topics: [topic], allowAutoTopicCreation: false }) },
  offsetCommit: {
    key: 8,
    payload: (topic) => ({
      ...stranger,
      topics: [{ topic, partitions: [{ partition: 0, offset: 1, metadata: "" }] }],
    }),
  },
  offsetFetch: {
    key: 9,
    payload: (topic) => ({ groupId, topics: [{ topic, partitions: [{ partition: 0 }] }] }),
  },
  findCoordinator: { key: 10, payload: () => ({ groupId }) },
  joinGroup: {
    key: 11,
    payload: () => ({
      ...stranger,
      sessionTimeout: 6000,
      rebalanceTimeout: 6000,
      protocolType: "consumer",
      groupProtocols: [{ name: "p" }],
    }),
  },
  heartbeat: { key: 12, payload: () => stranger },
  leaveGroup: { key: 13, payload: () => stranger },
  syncGroup: { key: 14, payload: () => ({ ...stranger, groupAssignment: [] }) },
  describeGroups: { key: 15, payload: () => ({ groupIds: [groupId] }) },
  listGroups: { key: 16, payload: () => ({}) },
  apiVersions: { key: 18, payload: () => ({}) },
  createTopics: {
    key: 19,
    payload: (topic) => ({
      topics: [{ topic, numPartitions: 1, replicationFactor: 1 }],
      validateOnly: true,
      timeout: 1000,
    }),
  },
  deleteTopics: { key: 20, payload: () => ({ topics: ["no-such-topic"], timeout: 1000 }) },
  deleteRecords: {
    key: 21,
    payload: (topic) => ({
      topics: [{ topic, partitions: [{ partition: 0, offset: "0" }] }],
      timeout: 1000,
    }),
  },
  initProducerId: { key: 22, payload: () => ({}) },
  describeConfigs: {
    key: 32,
    payload: (name) => ({ resources: [{ type: 2, name }], includeSynonyms: true }),
  },
  alterConfigs: {
    key: 33,
    payload: (name) => ({ resources: [{ type: 2, name, configEntries: [] }], validateOnly: true }),
  },
  createPartitions: {
    key: 37,
    payload: (topic) => ({
      topicPartitions: [{ topic, count: 2 }],
      validateOnly: true,
      timeout: 1000,
    }),
  },
  deleteGroups: { key: 42, payload: () => ["no-such-group"] },
};

export function versionTests(getBroker: () => string): void {
  describe("versions", () => {
    it.each(Object.keys(payloads))("of %s are each answered in their own format", async (api) => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const { apiVersions: offered } = await wire.call("apiVersions", 2);
      const { key = -1, payload = () => ({}) } = payloads[api] ?? {};
      const range = offered.find(({ apiKey }: { apiKey: number }) => apiKey === key);
      // Kafka 4 offers Produce from v0 on for the sake of old clients, and serves it from v3 on.
      const lowest = api === "produce" ? 3 : range.minVersion;
      const versions = encodableVersions(api).filter(
        (version) => version >= lowest && version <= range.maxVersion,
      );
      expect(versions.length).toBeGreaterThan(0);
      for (const version of versions) {
        expect(await wire.call(api, version, payload(topic)), `${api} v${version}`).toBeDefined();
      }
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
