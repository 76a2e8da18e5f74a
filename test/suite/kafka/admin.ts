/** Topics: making, growing, configuring, emptying and deleting them. */
import kafkajs from "kafkajs";
import { describe, expect, it } from "vitest";
import { type ConfigChange, OPERATION } from "../../support/incremental-alter-configs.ts";
import { type BrokerSession, openSession } from "./broker-session.ts";
import { errorCodes, fetch, produce, valuesOf } from "./requests.ts";

const { TOPIC } = kafkajs.ConfigResourceTypes;

export function adminTests(getBroker: () => string): void {
  describe("topics", () => {
    it("are created, listed, described and deleted", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(3);
      expect(await session.admin.listTopics()).toContain(topic);
      const { topics } = await session.admin.fetchTopicMetadata({ topics: [topic] });
      expect(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([0, 1, 2]);
      expect(await session.admin.createTopics({ topics: [{ topic }] })).toBe(false);
      await session.admin.deleteTopics({ topics: [topic] });
      await expect.poll(() => session.admin.listTopics()).not.toContain(topic);
    });

    it("begin at offset 0 when they are made again", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      await produce(wire, topic, ["old"]);
      await session.admin.deleteTopics({ topics: [topic] });
      await expect.poll(() => session.admin.listTopics()).not.toContain(topic);
      await session.admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
      await expect
        .poll(() => produce(wire, topic, ["new"]))
        .toMatchObject({ errorCode: 0, baseOffset: "0" });
      expect(valuesOf(await fetch(wire, topic))).toEqual(["new"]);
    });

    it.each([
      ["a name with a space", { topic: "no such name" }, 17],
      ["no partitions", { topic: "none", numPartitions: 0 }, 37],
      ["more replicas than brokers", { topic: "many", numPartitions: 1, replicationFactor: 3 }, 38],
      [
        "an unknown config",
        { topic: "odd", numPartitions: 1, configEntries: [{ name: "no.such", value: "1" }] },
        40,
      ],
      [
        "a bad value",
        {
          topic: "bad",
          numPartitions: 1,
          configEntries: [{ name: "retention.ms", value: "soon" }],
        },
        40,
      ],
    ])("are not made with %s", async (_name, wanted, errorCode) => {
      await using session = await openSession(getBroker());
      const wire = await session.wire();
      const topics = [{ replicationFactor: 1, configEntries: [], ...wanted }];
      const answer = await wire.call("createTopics", 3, {
        topics,
        validateOnly: false,
        timeout: 5000,
      });
      expect(answer.topicErrors).toMatchObject([{ topic: wanted.topic, errorCode }]);
      expect(await session.admin.listTopics()).not.toContain(wanted.topic);
    });

    it("are not made when only asked whether they could be", async () => {
      await using session = await openSession(getBroker());
      await session.admin.createTopics({
        validateOnly: true,
        waitForLeaders: false,
        topics: [{ topic: "only-asked" }],
      });
      expect(await session.admin.listTopics()).not.toContain("only-asked");
    });

    it("cannot be deleted when they are not there", async () => {
      await using session = await openSession(getBroker());
      const wire = await session.wire();
      const answer = await wire.call("deleteTopics", 1, {
        topics: ["no-such-topic"],
        timeout: 5000,
      });
      expect(answer.topicErrors).toEqual([{ topic: "no-such-topic", errorCode: 3 }]);
    });

    it("get more partitions, never fewer", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(2);
      await session.admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
      await expect.poll(() => session.admin.fetchTopicOffsets(topic)).toHaveLength(4);
      expect(await produce(await session.wire(), topic, ["v"], { partition: 3 })).toMatchObject({
        errorCode: 0,
      });
      await expect(
        session.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }),
      ).rejects.toThrow("partitions");
    });
  });

  describe("configs", () => {
    it("are described with their source, and altered", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(1, { "retention.ms": "60000" });
      expect(await configOf(session, topic)).toMatchObject({
        "retention.ms": "60000 (1)",
        "retention.bytes": "-1 (5)",
      });
      const configEntries = [{ name: "max.message.bytes", value: "2000" }];
      await session.admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: TOPIC, name: topic, configEntries }],
      });
      await expect
        .poll(() => configOf(session, topic))
        .toMatchObject({ "max.message.bytes": "2000 (1)", "retention.ms": "604800000 (5)" });
      expect(await produce(await session.wire(), topic, ["x".repeat(3000)])).toMatchObject({
        errorCode: 10,
      });
    });

    it("are changed one by one, where the others stay as they are", async () => {
      await using session = await openSession(getBroker());
      const wire = await session.wire();
      const name = await session.topic(1, { "retention.ms": "60000", "segment.bytes": "2000000" });
      const change = (configEntries: readonly ConfigChange[], validateOnly = false) =>
        wire.call("incrementalAlterConfigs", 0, {
          resources: [{ type: TOPIC, name, configEntries }],
          validateOnly,
        });
      const changes = [
        { name: "max.message.bytes", value: "2000" },
        { name: "retention.ms", operation: OPERATION.delete, value: null },
        { name: "cleanup.policy", operation: OPERATION.append, value: "delete" },
      ];
      await change(changes, true);
      expect(await configOf(session, name)).toMatchObject({ "retention.ms": "60000 (1)" });
      expect(errorCodes(await change(changes))).toEqual([0]);
      await expect
        .poll(() => configOf(session, name))
        .toMatchObject({
          "max.message.bytes": "2000 (1)",
          "retention.ms": "604800000 (5)",
          "segment.bytes": "2000000 (1)",
          "cleanup.policy": "delete (1)",
        });
    });

    it("of one name are described alone", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      expect(Object.keys(await configOf(session, topic, ["retention.ms"]))).toEqual([
        "retention.ms",
      ]);
    });

    it("that do not exist are refused", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const configEntries = [{ name: "no.such.config", value: "1" }];
      const altered = session.admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: TOPIC, name: topic, configEntries }],
      });
      await expect(altered).rejects.toThrow("Configuration is invalid");
    });
  });

  describe("access control", () => {
    it("is refused where there is no authorizer", async () => {
      await using session = await openSession(getBroker());
      const wire = await session.wire();
      const acl = {
        resourceType: 2,
        resourceName: "t",
        resourcePatternType: 3,
        principal: "User:a",
        host: "*",
        operation: 3,
        permissionType: 3,
      };
      expect(await wire.call("describeAcls", 1, acl)).toMatchObject({ errorCode: 54 });
      const created = await wire.call("createAcls", 1, { creations: [acl] });
      expect(created.creationResponses).toMatchObject([{ errorCode: 54 }]);
      const deleted = await wire.call("deleteAcls", 1, { filters: [acl] });
      expect(deleted.filterResponses).toMatchObject([{ errorCode: 54, matchingAcls: [] }]);
    });
  });

  describe("delete records", () => {
    it("moves the start of the log, and tells readers behind it", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      for (const value of ["a", "b", "c"]) await produce(wire, topic, [value]);
      // kafkajs finds the leader only of topics that it has asked about.
      await session.admin.fetchTopicOffsets(topic);
      await session.admin.deleteTopicRecords({
        topic,
        partitions: [{ partition: 0, offset: "2" }],
      });
      expect(await session.admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "2", high: "3" }]);
      expect(await fetch(wire, topic, { offset: 1 })).toMatchObject({ errorCode: 1 });
      expect(valuesOf(await fetch(wire, topic, { offset: 2 }))).toEqual(["c"]);
      await session.admin.deleteTopicRecords({
        topic,
        partitions: [{ partition: 0, offset: "-1" }],
      });
      expect(await session.admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "3", high: "3" }]);
    });

    it("refuses an offset behind the end", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      const topics = [{ topic, partitions: [{ partition: 0, offset: "5" }] }];
      const answer = await wire.call("deleteRecords", 1, { topics, timeout: 5000 });
      expect(answer.topics[0].partitions[0]).toMatchObject({ errorCode: 1, lowWatermark: -1n });
    });
  });
}

/** Name to `value (source)`. */
async function configOf(
  session: BrokerSession,
  name: string,
  configNames?: string[],
): Promise<Record<string, string>> {
  const resource = configNames ? { type: TOPIC, name, configNames } : { type: TOPIC, name };
  const { resources } = await session.admin.describeConfigs({
    includeSynonyms: false,
    resources: [resource],
  });
  return Object.fromEntries(
    resources[0]?.configEntries.map(({ configName, configValue, configSource }) => [
      configName,
      `${configValue} (${configSource})`,
    ]) ?? [],
  );
}
