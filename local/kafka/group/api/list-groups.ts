/** ListGroups. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";

export const listGroups = defineApi({
  key: 16,
  name: "ListGroups",
  versions: [0, 2],
  read: () => ({}),
  handle: (_request, { broker }) => broker.groups.list(),
  write(writer, groups, version) {
    if (version >= 1) writer.int32(0);
    writer
      .int16(ErrorCode.NONE)
      .array(groups, ({ id, protocolType }) => writer.string(id).string(protocolType));
  },
});
