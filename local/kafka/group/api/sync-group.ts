/** SyncGroup: the leader hands in the assignment, everybody gets their part of it. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import { refusedSync } from "../group.ts";
import type { SyncAnswer } from "../member.ts";

export const syncGroup = defineApi({
  key: 14,
  name: "SyncGroup",
  versions: [0, 3],
  read: (reader, version) => ({
    groupId: reader.string(),
    generation: reader.int32(),
    memberId: reader.string(),
    groupInstanceId: version >= 3 ? reader.nullableString() : null,
    // Kept beyond this request, so copied out of its frame.
    assignments: reader.array(() => [reader.string(), Buffer.from(reader.bytes())] as const),
  }),
  handle(
    { groupId, generation, memberId, groupInstanceId, assignments },
    { broker },
  ): SyncAnswer | Promise<SyncAnswer> {
    if (groupId === "") return refusedSync(ErrorCode.INVALID_GROUP_ID);
    const group = broker.groups.get(groupId);
    if (!group) return refusedSync(ErrorCode.UNKNOWN_MEMBER_ID);
    return group.sync({ memberId, groupInstanceId }, generation, new Map(assignments));
  },
  write(writer, { error, assignment }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(error).bytes(assignment);
  },
});
