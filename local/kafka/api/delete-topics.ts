/** DeleteTopics: with their records and the offsets that groups committed for them. */
import { defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { attempt } from "./attempt.ts";

export const deleteTopics = defineApi({
  key: 20,
  name: "DeleteTopics",
  versions: [1, 3],
  read(reader) {
    const names = reader.array(() => reader.string());
    reader.int32();
    return names;
  },
  async handle(names, { broker }) {
    const results = [];
    const byName = Map.groupBy(names, (name) => name);
    for (const [name, [, ...others]] of byName) {
      const { error } = await attempt(async () => {
        if (others.length > 0)
          throw new KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.");
        await broker.topics.delete(name);
        await broker.groups.offsets.deleteTopic(name);
      });
      results.push({ name, error });
    }
    return results;
  },
  write(writer, results) {
    writer.int32(0).array(results, ({ name, error }) => writer.string(name).int16(error));
  },
});
