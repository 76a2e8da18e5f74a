/** One request of each API, harmless where it is repeated. */
import { fetchPayload, producePayload } from "./requests.ts";

const groupId = "versions";
const stranger = { groupId, memberId: "stranger", groupGenerationId: 1, generationId: 1 };

export interface Example {
  readonly key: number;
  readonly payload: (topic: string) => unknown;
  /** The error codes of the answer, 0 where none is named. */
  readonly errors?: readonly number[];
}

const acl = {
  resourceType: 2,
  resourceName: "t",
  resourcePatternType: 3,
  principal: "User:a",
  host: "*",
  operation: 3,
  permissionType: 3,
};

export const examples: Record<string, Example> = {
  produce: { key: 0, payload: (topic) => producePayload(topic, ["value"]) },
  fetch: { key: 1, payload: (topic) => fetchPayload(topic) },
  listOffsets: {
    key: 2,
    payload: (topic) => ({ topics: [{ topic, partitions: [{ partition: 0, timestamp: -1 }] }] }),
  },
  metadata: { key: 3, payload: (topic) => ({ topics: [topic], allowAutoTopicCreation: false }) },
  offsetCommit: {
    errors: [22],
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
    errors: [25],
    key: 11,
    payload: () => ({
      ...stranger,
      sessionTimeout: 6000,
      rebalanceTimeout: 6000,
      protocolType: "consumer",
      groupProtocols: [{ name: "p" }],
    }),
  },
  heartbeat: { errors: [25], key: 12, payload: () => stranger },
  leaveGroup: { errors: [0, 25], key: 13, payload: () => stranger },
  syncGroup: { errors: [25], key: 14, payload: () => ({ ...stranger, groupAssignment: [] }) },
  describeGroups: { key: 15, payload: () => ({ groupIds: [groupId] }) },
  listGroups: { key: 16, payload: () => ({}) },
  apiVersions: { key: 18, payload: () => ({}) },
  createTopics: {
    key: 19,
    payload: (topic) => ({
      topics: [{ topic: `${topic}-new`, numPartitions: 1, replicationFactor: 1 }],
      validateOnly: true,
      timeout: 1000,
    }),
  },
  deleteTopics: {
    errors: [3],
    key: 20,
    payload: () => ({ topics: ["no-such-topic"], timeout: 1000 }),
  },
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
  incrementalAlterConfigs: {
    key: 44,
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
  describeAcls: { errors: [54], key: 29, payload: () => acl },
  createAcls: { errors: [54], key: 30, payload: () => ({ creations: [acl] }) },
  deleteAcls: { errors: [54], key: 31, payload: () => ({ filters: [acl] }) },
  deleteGroups: { errors: [69], key: 42, payload: () => ["no-such-group"] },
};
