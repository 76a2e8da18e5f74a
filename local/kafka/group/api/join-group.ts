/** JoinGroup: answered when all members of the group have joined. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import type { Reader } from "../../protocol/reader.ts";
import { SESSION_TIMEOUT_MS } from "../coordinator.ts";
import { refusedJoin } from "../group.ts";
import type { JoinAnswer } from "../member.ts";

export const joinGroup = defineApi({
  key: 11,
  name: "JoinGroup",
  versions: [0, 5],
  read: readRequest,
  handle(
    { groupId, ...request },
    { broker, version, clientId, clientHost },
  ): JoinAnswer | Promise<JoinAnswer> {
    if (groupId === "") return refusedJoin(ErrorCode.INVALID_GROUP_ID, request.memberId);
    const { smallest, largest } = SESSION_TIMEOUT_MS;
    if (request.sessionTimeoutMs < smallest || request.sessionTimeoutMs > largest) {
      return refusedJoin(ErrorCode.INVALID_SESSION_TIMEOUT, request.memberId);
    }
    const group = broker.groups.getOrCreate(groupId);
    return group.join({ ...request, clientId, clientHost, requiresKnownId: version >= 4 });
  },
  write(writer, { error, generation, protocol, leader, memberId, members }, version) {
    if (version >= 2) writer.int32(0);
    writer.int16(error).int32(generation).string(protocol).string(leader).string(memberId);
    writer.array(members, (member) => {
      writer.string(member.memberId);
      if (version >= 5) writer.nullableString(member.groupInstanceId);
      writer.bytes(member.metadata);
    });
  },
});

function readRequest(reader: Reader, version: number) {
  const groupId = reader.string();
  const sessionTimeoutMs = reader.int32();
  return {
    groupId,
    sessionTimeoutMs,
    rebalanceTimeoutMs: version >= 1 ? reader.int32() : sessionTimeoutMs,
    memberId: reader.string(),
    groupInstanceId: version >= 5 ? reader.nullableString() : null,
    protocolType: reader.string(),
    // Kept beyond this request, so copied out of its frame.
    protocols: reader.array(() => ({
      name: reader.string(),
      metadata: Buffer.from(reader.bytes()),
    })),
  };
}
