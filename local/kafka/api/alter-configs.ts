/** AlterConfigs: replaces all configs of a topic; what is not named goes back to its default. */
import { defineApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { parseTopicConfig } from "../topic/topic-config.ts";
import { checkTopicName } from "../topic/topic-name.ts";
import { attempt } from "./attempt.ts";
import { TOPIC } from "./config-resource.ts";

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
        checkRequest(type, name, configs);
        broker.topics.topic(name);
        const config = parseTopicConfig(configs);
        if (!validateOnly) await broker.topics.configure(name, config);
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

function checkRequest(
  type: number,
  name: string,
  configs: readonly { name: string; value: string | null }[],
): void {
  if (type !== TOPIC) throw invalid("The embedded log alters the configs of topics alone.");
  if (name === "") throw invalid("Default topic resources are not allowed.");
  checkTopicName(name);
  const missing = configs.filter(({ value }) => value === null);
  if (missing.length > 0)
    throw invalid(`Null value not supported for : ${missing.map((it) => it.name).join(",")}`);
  if (new Set(configs.map((it) => it.name)).size < configs.length)
    throw invalid("Error due to duplicate config keys");
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message);
}
