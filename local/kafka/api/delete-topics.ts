/** DeleteTopics: with their records and the offsets that groups committed for them. */
import { defineApi } from "../protocol/api.ts";
import { attempt } from "./attempt.ts";

export const deleteTopics = defineApi({
  key: 20,
  name: "DeleteTopics",
  versions: [0, 3],
  read(reader) {
    const names = reader.array(() => reader.string());
    reader.int32();
    return names;
  },
  async handle(names, { broker }) {
    const results = [];
    for (const name of names) {
      const { error } = await attempt(async () => {
        await broker.topics.delete(name);
        await broker.groups.offsets.deleteTopic(name);
      });
      results.push({ name, error });
    }
    return results;
  },
  write(writer, results, version) {
    if (version >= 1) writer.int32(0);
    writer.array(results, ({ name, error }) => writer.string(name).int16(error));
  },
});
