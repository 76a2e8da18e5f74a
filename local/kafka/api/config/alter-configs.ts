/** AlterConfigs: replaces all configs of a topic; what is not named goes back to its default. */
import { defineApi } from "../../protocol/api.ts";
import { parseTopicConfig } from "../../topic/topic-config.ts";
import { attempt } from "../attempt.ts";
import { checkAlteration } from "./config-resource.ts";

export const alterConfigs = defineApi({
  key: 33,
  name: "AlterConfigs",
  versions: [0, 1],
  read: (reader) => ({
    resources: reader.array(() => ({
      type: reader.int8(),
      name: reader.string(),
      configs: reader.array(() => ({ name: reader.string(), value: reader.nullableString() })),
    })),
    validateOnly: reader.boolean(),
  }),
  async handle({ resources, validateOnly }, { broker }) {
    const results = [];
    for (const { type, name, configs } of resources) {
      const outcome = await attempt(async () => {
        checkAlteration(type, name, configs);
        broker.topics.topic(name);
        const config = parseTopicConfig(configs);
        if (!validateOnly) await broker.topics.configure(name, () => config);
      });
      results.push({ ...outcome, type, name });
    }
    return results;
  },
  write(writer, results) {
    writer.int32(0).array(results, ({ error, message, type, name }) => {
      writer.int16(error).nullableString(message).int8(type).string(name);
    });
  },
});
