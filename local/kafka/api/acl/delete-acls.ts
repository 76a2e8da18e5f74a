/** DeleteAcls: refused as by a broker without an authorizer. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import { NO_AUTHORIZER, readAclFilter } from "./acl.ts";

export const deleteAcls = defineApi({
  key: 31,
  name: "DeleteAcls",
  versions: [1, 1],
  read: (reader) => reader.array(() => readAclFilter(reader)),
  handle: (filters) => filters,
  write(writer, filters) {
    writer.int32(0).array(filters, () => {
      writer
        .int16(ErrorCode.SECURITY_DISABLED)
        .nullableString(NO_AUTHORIZER)
        .array([], () => {});
    });
  },
});
