/** DescribeAcls: refused as by a broker without an authorizer. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import { NO_AUTHORIZER, readAclFilter } from "./acl.ts";

export const describeAcls = defineApi({
  key: 29,
  name: "DescribeAcls",
  versions: [1, 1],
  read: readAclFilter,
  handle: () => [],
  write: (writer, none) =>
    writer
      .int32(0)
      .int16(ErrorCode.SECURITY_DISABLED)
      .nullableString(NO_AUTHORIZER)
      .array(none, () => {}),
});
