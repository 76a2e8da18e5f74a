/** An access control entry, or a filter for some: the wire format of both is the same. */
import type { Reader } from "../../protocol/reader.ts";

export const NO_AUTHORIZER = "No Authorizer is configured on the broker";

export interface AclFilter {
  readonly resourceType: number;
  readonly resourceName: string | null;
  readonly patternType: number;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: number;
  readonly permission: number;
}

export function readAclFilter(reader: Reader): AclFilter {
  return {
    resourceType: reader.int8(),
    resourceName: reader.nullableString(),
    patternType: reader.int8(),
    principal: reader.nullableString(),
    host: reader.nullableString(),
    operation: reader.int8(),
    permission: reader.int8(),
  };
}
