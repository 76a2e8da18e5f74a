/** FindCoordinator: this broker coordinates every group. A transaction is refused later, where clients take it as final. */
import { NODE_ID } from "../../broker.ts";
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";

export const findCoordinator = defineApi({
  key: 10,
  name: "FindCoordinator",
  versions: [0, 2],
  read(reader, version) {
    reader.string();
    if (version >= 1) reader.int8();
  },
  handle: (_request, { host, port }) => ({ host, port }),
  write(writer, { host, port }, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(ErrorCode.NONE);
    if (version >= 1) writer.nullableString("NONE");
    writer.int32(NODE_ID).string(host).int32(port);
  },
});
