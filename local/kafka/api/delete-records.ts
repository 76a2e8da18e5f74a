/** DeleteRecords: moves the start of partitions; what lies before it can no longer be read. */
import { defineApi } from "../protocol/api.ts";
import { attempt } from "./attempt.ts";

/** As offset: everything that is there now. */
const ALL = -1;

export const deleteRecords = defineApi({
  key: 21,
  name: "DeleteRecords",
  versions: [0, 1],
  read(reader) {
    const topics = reader.array(() => ({
      name: reader.string(),
      partitions: reader.array(() => ({ index: reader.int32(), offset: reader.int64() })),
    }));
    reader.int32();
    return topics;
  },
  async handle(topics, { broker }) {
    const results = [];
    for (const { name, partitions } of topics) {
      const answers = [];
      for (const { index, offset } of partitions) {
        let lowWatermark = -1;
        const { error } = await attempt(async () => {
          const partition = broker.topics.partition(name, index);
          await partition.moveStart(offset === ALL ? partition.endOffset : offset);
          lowWatermark = partition.startOffset;
        });
        answers.push({ index, lowWatermark, error });
      }
      results.push({ name, partitions: answers });
    }
    return results;
  },
  write(writer, results) {
    writer.int32(0).array(results, ({ name, partitions }) => {
      writer
        .string(name)
        .array(partitions, ({ index, lowWatermark, error }) =>
          writer.int32(index).int64(lowWatermark).int16(error),
        );
    });
  },
});
