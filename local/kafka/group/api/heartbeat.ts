/** Heartbeat: a member lives, and learns whether the group rebalances. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";

export const heartbeat = defineApi({
  key: 12,
  name: "Heartbeat",
  versions: [0, 3],
  read: (reader, version) => ({
    groupId: reader.string(),
    generation: reader.int32(),
    memberId: reader.string(),
    groupInstanceId: version >= 3 ? reader.nullableString() : null,
  }),
  handle({ groupId, generation, memberId, groupInstanceId }, { broker }) {
    if (groupId === "") return { error: ErrorCode.INVALID_GROUP_ID };
    const group = broker.groups.get(groupId);
    return {
      error:
        group?.heartbeat({ memberId, groupInstanceId }, generation) ?? ErrorCode.UNKNOWN_MEMBER_ID,
    };
  },
  write(writer, { error }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(error);
  },
});
