/** DescribeGroups: the state of groups and their members. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import { Group } from "../group.ts";
import { metadataOf } from "../member.ts";

export const describeGroups = defineApi({
  key: 15,
  name: "DescribeGroups",
  versions: [0, 2],
  read: (reader) => reader.array(() => reader.string()),
  handle: (ids, { broker }) => ids.map((id) => broker.groups.get(id) ?? deadGroup(id)),
  write(writer, groups, version) {
    if (version >= 1) writer.int32(0);
    writer.array(groups, ({ id, state, protocolType, protocol, members }) => {
      const isSettled = state === "Stable";
      writer
        .int16(ErrorCode.NONE)
        .string(id)
        .string(state)
        .string(protocolType)
        .string(isSettled ? protocol : "");
      writer.array(members, (member) => {
        writer.string(member.id).string(member.request.clientId).string(member.request.clientHost);
        writer
          .bytes(isSettled ? metadataOf(member, protocol) : Buffer.alloc(0))
          .bytes(member.assignment);
      });
    });
  },
});

/** What Kafka says of a group that it does not know. */
function deadGroup(id: string): Group {
  const group = new Group(id);
  group.close();
  return group;
}
