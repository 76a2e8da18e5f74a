/** DescribeConfigs: of topics, and the few of the broker that clients look at. */
import { NODE_ID, type Broker } from "../../broker.ts";
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/error-code.ts";
import type { Writer } from "../../protocol/writer.ts";
import type { ConfigEntry } from "../../topic/topic-config.ts";
import { checkTopicName } from "../../topic/topic-name.ts";
import { attempt } from "../attempt.ts";
import { BROKER, TOPIC } from "./config-resource.ts";

const SOURCE = { topic: 1, default: 5 } as const;

export const describeConfigs = defineApi({
  key: 32,
  name: "DescribeConfigs",
  versions: [1, 2],
  read(reader) {
    const resources = reader.array(() => ({
      type: reader.int8(),
      name: reader.string(),
      keys: reader.nullableArray(() => reader.string()),
    }));
    return { resources, withSynonyms: reader.boolean() };
  },
  async handle({ resources, withSynonyms }, { broker }) {
    const results = [];
    for (const { type, name, keys } of resources) {
      let entries: ConfigEntry[] = [];
      const outcome = await attempt(() => void (entries = describe(broker, type, name)));
      // kafkajs sends an empty list for "all", other clients null.
      const wanted = entries.filter((entry) => !keys?.length || keys.includes(entry.name));
      results.push({ ...outcome, type, name, entries: wanted, withSynonyms });
    }
    return results;
  },
  write(writer, results) {
    writer.int32(0).array(results, ({ error, message, type, name, entries, withSynonyms }) => {
      writer.int16(error).nullableString(message).int8(type).string(name);
      writer.array(entries, (entry) => writeEntry(writer, entry, withSynonyms));
    });
  },
});

function describe(broker: Broker, type: number, name: string): ConfigEntry[] {
  if (type === TOPIC) {
    checkTopicName(name);
    return broker.topics.topic(name).config.entries();
  }
  if (type !== BROKER)
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unexpected resource type ${type}`);
  if (name !== "" && name !== String(NODE_ID))
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `There is no broker ${name}`);
  const flags = {
    "auto.create.topics.enable": String(broker.autoCreateTopics),
    "default.replication.factor": "1",
    "num.partitions": "1",
  };
  return Object.entries(flags).map(([key, value]) => ({ name: key, value, isDefault: true }));
}

function writeEntry(
  writer: Writer,
  { name, value, isDefault, fallback }: ConfigEntry,
  withSynonyms: boolean,
): void {
  writer.string(name).nullableString(value).boolean(false);
  writer.int8(isDefault ? SOURCE.default : SOURCE.topic).boolean(false);
  const own = isDefault ? [] : [{ name, value, source: SOURCE.topic }];
  const above = fallback ? [{ ...fallback, source: SOURCE.default }] : [];
  writer.array(withSynonyms ? [...own, ...above] : [], (synonym) =>
    writer.string(synonym.name).nullableString(synonym.value).int8(synonym.source),
  );
}
