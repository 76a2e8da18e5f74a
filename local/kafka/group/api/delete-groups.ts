/** DeleteGroups: forgets groups without members, and their offsets. */
import { defineApi } from "../../protocol/api.ts";

export const deleteGroups = defineApi({
  key: 42,
  name: "DeleteGroups",
  versions: [0, 1],
  read: (reader) => reader.array(() => reader.string()),
  handle: (ids, { broker }) =>
    Promise.all(ids.map(async (id) => ({ id, error: await broker.groups.delete(id) }))),
  write: (writer, results) =>
    writer.int32(0).array(results, ({ id, error }) => writer.string(id).int16(error)),
});
