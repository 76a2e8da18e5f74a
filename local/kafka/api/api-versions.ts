/** ApiVersions: which APIs are served, in which versions. */
import { apis } from "../api-table.ts";
import { type Api, defineApi } from "../protocol/api.ts";
import { ErrorCode } from "../protocol/error-code.ts";
import type { Writer } from "../protocol/writer.ts";

const PRODUCE = 0;

export const apiVersions = defineApi({
  key: 18,
  name: "ApiVersions",
  versions: [0, 3],
  read: () => ({}),
  handle: () => [...apis.values()],
  write(writer, served, version) {
    writer.int16(ErrorCode.NONE);
    if (version < 3) writer.array(served, (api) => writeApi(writer, api));
    else writer.compactArray(served, (api) => writeApi(writer, api).noTaggedFields());
    if (version >= 1) writer.int32(0);
    if (version >= 3) writer.noTaggedFields();
  },
});

function writeApi(writer: Writer, { key, versions: [lowest, highest] }: Api): Writer {
  // As Kafka 4 does: older librdkafka compresses only where Produce v0 is offered, and then uses the highest.
  return writer
    .int16(key)
    .int16(key === PRODUCE ? 0 : lowest)
    .int16(highest);
}
