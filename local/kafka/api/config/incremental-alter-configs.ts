/** IncrementalAlterConfigs: changes those configs of a topic that it names; the others stay. */
import { defineApi } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/error-code.ts";
import { isList, parseTopicConfig, type TopicConfig } from "../../topic/topic-config.ts";
import { attempt } from "../attempt.ts";
import { checkAlteration } from "./config-resource.ts";

const OPERATION = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

interface Change {
  readonly name: string;
  readonly operation: number;
  readonly value: string | null;
}

export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: [0, 0],
  read: (reader) => ({
    resources: reader.array(() => ({
      type: reader.int8(),
      name: reader.string(),
      changes: reader.array(() => ({
        name: reader.string(),
        operation: reader.int8(),
        value: reader.nullableString(),
      })),
    })),
    validateOnly: reader.boolean(),
  }),
  async handle({ resources, validateOnly }, { broker }) {
    const results = [];
    for (const { type, name, changes } of resources) {
      const outcome = await attempt(async () => {
        checkAlteration(type, name, changes.map(withValueIfDue));
        const topic = broker.topics.topic(name);
        if (validateOnly) changed(topic.config, changes);
        else await broker.topics.configure(name, (now) => changed(now, changes));
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

/** A deletion needs none. */
const withValueIfDue = (change: Change): Change =>
  change.operation === OPERATION.delete ? { ...change, value: "" } : change;

function changed(now: TopicConfig, changes: readonly Change[]): TopicConfig {
  const set = new Map(Object.entries(now.toJSON()));
  for (const change of changes) {
    const value = changedValue(now, change);
    if (value === undefined) set.delete(change.name);
    else set.set(change.name, value);
  }
  return parseTopicConfig([...set].map(([name, value]) => ({ name, value })));
}

/** Undefined for the default. */
function changedValue(now: TopicConfig, { name, operation, value }: Change): string | undefined {
  const given = value ?? "";
  switch (operation) {
    case OPERATION.set:
      return given;
    case OPERATION.delete:
      return undefined;
    case OPERATION.append:
      return [...new Set([...listOf(now, name, "APPEND"), ...given.split(",")])].join();
    case OPERATION.subtract: {
      const gone = given.split(",");
      return listOf(now, name, "SUBTRACT")
        .filter((element) => !gone.includes(element))
        .join();
    }
    default:
      throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `There is no operation ${operation}`);
  }
}

function listOf(now: TopicConfig, name: string, operation: string): string[] {
  if (isList(name)) return now.value(name).split(",");
  const sentence = `Can't ${operation} to key ${name} because its type is not LIST.`;
  throw new KafkaError(ErrorCode.INVALID_CONFIG, sentence);
}
