/** Every API that is served, by its key. */
import { createAcls } from "./api/acl/create-acls.ts";
import { deleteAcls } from "./api/acl/delete-acls.ts";
import { describeAcls } from "./api/acl/describe-acls.ts";
import { alterConfigs } from "./api/config/alter-configs.ts";
import { apiVersions } from "./api/api-versions.ts";
import { createPartitions } from "./api/create-partitions.ts";
import { createTopics } from "./api/create-topics.ts";
import { deleteRecords } from "./api/delete-records.ts";
import { deleteTopics } from "./api/delete-topics.ts";
import { describeConfigs } from "./api/config/describe-configs.ts";
import { fetch } from "./api/fetch.ts";
import { incrementalAlterConfigs } from "./api/config/incremental-alter-configs.ts";
import { initProducerId } from "./api/init-producer-id.ts";
import { listOffsets } from "./api/list-offsets.ts";
import { metadata } from "./api/metadata.ts";
import { produce } from "./api/produce.ts";
import { deleteGroups } from "./group/api/delete-groups.ts";
import { describeGroups } from "./group/api/describe-groups.ts";
import { findCoordinator } from "./group/api/find-coordinator.ts";
import { heartbeat } from "./group/api/heartbeat.ts";
import { joinGroup } from "./group/api/join-group.ts";
import { leaveGroup } from "./group/api/leave-group.ts";
import { listGroups } from "./group/api/list-groups.ts";
import { offsetCommit } from "./group/api/offset-commit.ts";
import { offsetFetch } from "./group/api/offset-fetch.ts";
import { syncGroup } from "./group/api/sync-group.ts";
import type { Api } from "./protocol/api.ts";

const records = [produce, fetch, listOffsets, deleteRecords, initProducerId];
const topics = [
  metadata,
  createTopics,
  deleteTopics,
  createPartitions,
  describeConfigs,
  alterConfigs,
  incrementalAlterConfigs,
];
const members = [findCoordinator, joinGroup, syncGroup, heartbeat, leaveGroup];
const groups = [offsetCommit, offsetFetch, listGroups, describeGroups, deleteGroups];
const acls = [describeAcls, createAcls, deleteAcls];
const served: readonly Api[] = [apiVersions, ...records, ...topics, ...members, ...groups, ...acls];

export const apis: ReadonlyMap<number, Api> = new Map(served.map((api) => [api.key, api]));
