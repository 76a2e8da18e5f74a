/** What Kafka answers to requests that cannot be granted, code by code. */
import { describe, expect, it } from "vitest";
import { OPERATION } from "../../support/incremental-alter-configs.ts";
import { openSession } from "./broker-session.ts";
import { errorCodes, fetch, produce } from "./requests.ts";

type Case = readonly [
  name: string,
  api: string,
  version: number,
  payload: (topic: string) => object,
  code: number,
];

const TOPIC = 2;
const BROKER = 4;

function createTopic(change: (topic: string) => object, validateOnly = true) {
  return (topic: string): object => ({
    topics: [
      {
        topic: `${topic}-new`,
        numPartitions: 1,
        replicationFactor: 1,
        configEntries: [],
        ...change(topic),
      },
    ],
    validateOnly,
    timeout: 5000,
  });
}

function withConfig(name: string, value: string | null) {
  return createTopic(() => ({ configEntries: [{ name, value }] }));
}

function withAssignment(...partitions: readonly (readonly [number, number])[]) {
  return createTopic(() => ({
    numPartitions: -1,
    replicationFactor: -1,
    replicaAssignment: partitions.map(([partition, broker]) => ({
      partition,
      replicas: [broker],
    })),
  }));
}

function twice(topic: string): object {
  const wanted = { topic, numPartitions: 1, replicationFactor: 1, configEntries: [], count: 2 };
  return {
    topics: [wanted, wanted],
    topicPartitions: [wanted, wanted],
    validateOnly: true,
    timeout: 5000,
  };
}

function addPartitions(change: (topic: string) => object) {
  return (topic: string): object => ({
    topicPartitions: [{ topic, count: 2, ...change(topic) }],
    validateOnly: true,
    timeout: 5000,
  });
}

function configsOf(type: number, name?: string, configEntries: readonly object[] = []) {
  return (topic: string): object => ({
    resources: [{ type, name: name ?? topic, configEntries }],
    validateOnly: true,
    includeSynonyms: false,
  });
}

function offsetAt(timestamp: number, partition = 0, name?: string) {
  return (topic: string): object => ({
    topics: [{ topic: name ?? topic, partitions: [{ partition, timestamp }] }],
  });
}

function deleteRecords(offset: string, name?: string) {
  return (topic: string): object => ({
    topics: [{ topic: name ?? topic, partitions: [{ partition: 0, offset }] }],
    timeout: 5000,
  });
}

function commitOf(partition: number, metadata: string, name?: string) {
  return (topic: string): object => ({
    groupId: "outsiders",
    groupGenerationId: -1,
    memberId: "",
    topics: [{ topic: name ?? topic, partitions: [{ partition, offset: 1, metadata }] }],
  });
}

const topicCases: Case[] = [
  ["no name", "createTopics", 3, createTopic(() => ({ topic: "" })), 17],
  ["two dots as a name", "createTopics", 3, createTopic(() => ({ topic: ".." })), 17],
  ["a name of 250", "createTopics", 3, createTopic(() => ({ topic: "x".repeat(250) })), 17],
  [
    "a name that differs from another by dots and underscores alone",
    "createTopics",
    3,
    createTopic((topic) => ({ topic: topic.replace("_", ".") })),
    17,
  ],
  ["one topic twice", "createTopics", 3, (topic) => twice(`${topic}-new`), 42],
  ["a negative count", "createTopics", 3, createTopic(() => ({ numPartitions: -2 })), 37],
  ["no replicas", "createTopics", 3, createTopic(() => ({ replicationFactor: 0 })), 38],
  ["an assignment with a gap", "createTopics", 3, withAssignment([0, 1], [2, 1]), 39],
  ["an assignment to no broker", "createTopics", 3, withAssignment([0, 7]), 39],
  ["a retention below -1", "createTopics", 3, withConfig("retention.ms", "-2"), 40],
  ["no value", "createTopics", 3, withConfig("retention.ms", null), 40],
  ["an INT too large", "createTopics", 3, withConfig("max.message.bytes", "3000000000"), 40],
  ["a LONG too large", "createTopics", 3, withConfig("retention.ms", "9223372036854775808"), 40],
  ["tiny segments", "createTopics", 3, withConfig("segment.bytes", "300"), 40],
  ["no replica in sync", "createTopics", 3, withConfig("min.insync.replicas", "0"), 40],
  [
    "the largest LONG: it is",
    "createTopics",
    3,
    withConfig("retention.ms", String(2n ** 63n - 1n)),
    0,
  ],
  ["blanks around a number: it is", "createTopics", 3, withConfig("retention.ms", " +5 "), 0],
  ["any negative size: it is", "createTopics", 3, withConfig("retention.bytes", "-2"), 0],
  ["as many as there are", "createPartitions", 1, addPartitions(() => ({ count: 1 })), 37],
  ["fewer than none", "createPartitions", 1, addPartitions(() => ({ count: -1 })), 37],
  ["no such topic", "createPartitions", 1, addPartitions(() => ({ topic: "no-such" })), 3],
  ["no such broker", "createPartitions", 1, addPartitions(() => ({ assignments: [[9]] })), 39],
  ["one topic twice", "createPartitions", 1, twice, 42],
  [
    "one topic twice",
    "deleteTopics",
    1,
    (topic) => ({ topics: [topic, topic], timeout: 5000 }),
    42,
  ],
];

const retention = { name: "retention.ms", value: "1" };
const configCases: Case[] = [
  ["no such topic", "describeConfigs", 2, configsOf(TOPIC, "no-such"), 3],
  ["a bad name", "describeConfigs", 2, configsOf(TOPIC, "no such"), 17],
  ["no such broker", "describeConfigs", 2, configsOf(BROKER, "9"), 42],
  ["no such kind", "describeConfigs", 2, configsOf(77, "x"), 42],
  ["no such topic", "alterConfigs", 1, configsOf(TOPIC, "no-such"), 3],
  ["a bad name", "alterConfigs", 1, configsOf(TOPIC, "no such"), 17],
  ["no name", "alterConfigs", 1, configsOf(TOPIC, ""), 42],
  ["no such broker", "alterConfigs", 1, configsOf(BROKER, "9"), 42],
  ["no such kind", "alterConfigs", 1, configsOf(77, "x"), 42],
  ["no value", "alterConfigs", 1, configsOf(TOPIC, undefined, [{ ...retention, value: null }]), 42],
  ["one config twice", "alterConfigs", 1, configsOf(TOPIC, undefined, [retention, retention]), 42],
  [
    "no such config",
    "alterConfigs",
    1,
    configsOf(TOPIC, undefined, [{ name: "no.such", value: "1" }]),
    40,
  ],
];

function incrementally(name: string, operation: number, value: string | null) {
  return configsOf(TOPIC, undefined, [{ name, operation, value }]);
}

const { set, append, subtract } = OPERATION;
const incremental = "incrementalAlterConfigs";
const incrementalCases: Case[] = [
  ["no such topic", incremental, 0, configsOf(TOPIC, "no-such"), 3],
  ["a bad name", incremental, 0, configsOf(TOPIC, "no such"), 17],
  ["no name", incremental, 0, configsOf(TOPIC, ""), 42],
  ["no such broker", incremental, 0, configsOf(BROKER, "9"), 42],
  ["no such kind", incremental, 0, configsOf(77, "x"), 42],
  ["no value", incremental, 0, incrementally("retention.ms", set, null), 42],
  ["one config twice", incremental, 0, configsOf(TOPIC, undefined, [retention, retention]), 42],
  ["no such operation", incremental, 0, incrementally("retention.ms", 9, "1"), -1],
  ["no such config", incremental, 0, incrementally("no.such", set, "1"), 40],
  ["a bad value", incremental, 0, incrementally("retention.ms", set, "soon"), 40],
  ["an addition to a number", incremental, 0, incrementally("retention.ms", append, "1"), 40],
  ["a subtraction from a number", incremental, 0, incrementally("retention.ms", subtract, "1"), 40],
  ["no such cleanup", incremental, 0, incrementally("cleanup.policy", append, "burn"), 40],
  [
    "nothing new to a list: it is",
    incremental,
    0,
    incrementally("cleanup.policy", append, "delete"),
    0,
  ],
  [
    "nothing to delete: it is",
    incremental,
    0,
    incrementally("retention.ms", OPERATION.delete, null),
    0,
  ],
];

const recordCases: Case[] = [
  ["a kind of offset of later versions", "listOffsets", 3, offsetAt(-3), 35],
  ["no such partition", "listOffsets", 3, offsetAt(-1, 9), 3],
  ["no such topic", "listOffsets", 3, offsetAt(-1, 0, "no-such"), 3],
  ["a negative offset", "deleteRecords", 1, deleteRecords("-2"), 1],
  ["no such topic", "deleteRecords", 1, deleteRecords("0", "no-such"), 3],
  ["a bad name", "metadata", 6, () => ({ topics: ["no such"], allowAutoTopicCreation: true }), 17],
  [
    "no such topic, and not to make it",
    "metadata",
    6,
    () => ({ topics: ["no-such"], allowAutoTopicCreation: false }),
    3,
  ],
  ["an empty transactional id", "initProducerId", 1, () => ({ transactionalId: "" }), 42],
];

const nobody = { groupGenerationId: 1, generationId: 1, memberId: "nobody", groupAssignment: [] };
const groupCases: Case[] = [
  ["metadata of 5000 bytes", "offsetCommit", 5, commitOf(0, "m".repeat(5000)), 12],
  ["no such partition", "offsetCommit", 5, commitOf(9, ""), 3],
  ["no such topic", "offsetCommit", 5, commitOf(0, "", "no-such"), 3],
  ["an offset before the beginning: it is", "offsetCommit", 5, commitOf(0, ""), 0],
  ["no group", "heartbeat", 3, () => ({ groupId: "", ...nobody }), 24],
  ["no group", "syncGroup", 3, () => ({ groupId: "", ...nobody }), 24],
  ["no group", "leaveGroup", 1, () => ({ groupId: "", ...nobody }), 24],
  ["no such group", "heartbeat", 3, () => ({ groupId: "no-such", ...nobody }), 25],
  ["no such group", "syncGroup", 3, () => ({ groupId: "no-such", ...nobody }), 25],
  ["no such group", "leaveGroup", 1, () => ({ groupId: "no-such", ...nobody }), 25],
];

export function refusalTests(getBroker: () => string): void {
  describe.each<[string, Case[]]>([
    ["about topics", topicCases],
    ["about configs", configCases],
    ["about changes to configs", incrementalCases],
    ["about records", recordCases],
    ["about groups", groupCases],
  ])("requests %s that cannot be granted", (_about, cases) => {
    it.each(cases)("%s in %s v%i", async (_name, api, version, payload, code) => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const answer = await (await session.wire()).call(api, version, payload(topic));
      expect(errorCodes(answer).at(-1)).toBe(code);
      expect(await session.admin.listTopics()).not.toContain(`${topic}-new`);
    });

    it("leave everything as it was", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const wire = await session.wire();
      await produce(wire, topic, ["before"]);
      for (const [, api, version, payload, code] of cases)
        if (code !== 0) await wire.call(api, version, payload(topic));
      expect(await fetch(wire, topic)).toMatchObject({ highWatermark: "1", lastStartOffset: "0" });
    });
  });

  it("a negative limit of bytes is no limit that can be kept", async () => {
    await using session = await openSession(getBroker());
    const topic = await session.topic();
    const wire = await session.wire();
    await produce(wire, topic, ["v"]);
    expect(await fetch(wire, topic, { partitionMaxBytes: -1 })).toMatchObject({ errorCode: -1 });
    expect(await fetch(wire, topic, { maxBytes: -1 })).toMatchObject({ errorCode: -1 });
  });
}
