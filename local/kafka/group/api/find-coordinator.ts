/** FindCoordinator: this broker coordinates every group, and no transactions. */
import { NODE_ID } from "../../broker.ts";
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";

const GROUP = 0;

export const findCoordinator = defineApi({
  key: 10,
  name: "FindCoordinator",
  versions: [0, 2],
  read: (reader, version) => ({
    key: reader.string(),
    keyType: version >= 1 ? reader.int8() : GROUP,
  }),
  handle({ keyType }, { host, port }) {
    if (keyType === GROUP)
      return { error: ErrorCode.NONE, message: null, nodeId: NODE_ID, host, port };
    return {
      error: ErrorCode.UNSUPPORTED_VERSION,
      message: "There are no transactions here.",
      nodeId: -1,
      host: "",
      port: -1,
    };
  },
  write(writer, { error, message, nodeId, host, port }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(error);
    if (version >= 1) writer.nullableString(message);
    writer.int32(nodeId).string(host).int32(port);
  },
});
