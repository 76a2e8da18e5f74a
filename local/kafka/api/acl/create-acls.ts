/** CreateAcls: refused as by a broker without an authorizer. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/error-code.ts";
import { NO_AUTHORIZER, readAclFilter } from "./acl.ts";

export const createAcls = defineApi({
  key: 30,
  name: "CreateAcls",
  versions: [1, 1],
  read: (reader) => reader.array(() => readAclFilter(reader)),
  handle: (acls) => acls,
  write(writer, acls) {
    writer.int32(0);
    writer.array(acls, () =>
      writer.int16(ErrorCode.SECURITY_DISABLED).nullableString(NO_AUTHORIZER),
    );
  },
});
