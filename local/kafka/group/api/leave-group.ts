/** LeaveGroup: members go, the others share what they had. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import type { Reader } from "../../protocol/reader.ts";

export const leaveGroup = defineApi({
  key: 13,
  name: "LeaveGroup",
  versions: [0, 3],
  read: (reader, version) => ({
    groupId: reader.string(),
    members:
      version >= 3
        ? reader.array(() => readMember(reader))
        : [{ memberId: reader.string(), groupInstanceId: null }],
  }),
  handle({ groupId, members }, { broker }) {
    if (groupId === "")
      return members.map((member) => ({ ...member, error: ErrorCode.INVALID_GROUP_ID }));
    const group = broker.groups.get(groupId);
    return members.map((member) => ({
      ...member,
      error: group?.leave(member) ?? ErrorCode.UNKNOWN_MEMBER_ID,
    }));
  },
  write(writer, members, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(version >= 3 ? ErrorCode.NONE : (members[0]?.error ?? ErrorCode.NONE));
    if (version < 3) return;
    writer.array(members, ({ memberId, groupInstanceId, error }) => {
      writer.string(memberId).nullableString(groupInstanceId).int16(error);
    });
  },
});

function readMember(reader: Reader): { memberId: string; groupInstanceId: string | null } {
  return { memberId: reader.string(), groupInstanceId: reader.nullableString() };
}
