/** The topic configs that the log honours, and those it takes because it behaves so anyway. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";

interface ConfigKey {
  readonly fallback: string;
  readonly accepts: (value: string) => boolean;
}

const bytesOrUnlimited = integerFrom(-1);

const keys: Readonly<Record<string, ConfigKey>> = {
  "cleanup.policy": { fallback: "delete", accepts: oneOf("delete") },
  "compression.type": { fallback: "producer", accepts: oneOf("producer") },
  "max.message.bytes": { fallback: "1048588", accepts: integerFrom(0) },
  "message.timestamp.type": { fallback: "CreateTime", accepts: oneOf("CreateTime") },
  "min.insync.replicas": { fallback: "1", accepts: integerFrom(1) },
  "retention.bytes": { fallback: "-1", accepts: bytesOrUnlimited },
  "retention.ms": { fallback: "604800000", accepts: integerFrom(-1) },
  "segment.bytes": { fallback: "67108864", accepts: integerFrom(14) },
};

export type NumericConfig =
  | "max.message.bytes"
  | "retention.bytes"
  | "retention.ms"
  | "segment.bytes";

export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  readonly isDefault: boolean;
}

export class TopicConfig {
  readonly #set: ReadonlyMap<string, string>;

  constructor(set: Iterable<readonly [string, string]> = []) {
    this.#set = new Map(set);
  }

  number(name: NumericConfig): number {
    return Number(this.#set.get(name) ?? keys[name]?.fallback);
  }

  entries(): ConfigEntry[] {
    return Object.entries(keys).map(([name, { fallback }]) => {
      const value = this.#set.get(name);
      return { name, value: value ?? fallback, isDefault: value === undefined };
    });
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#set);
  }
}

/** Throws INVALID_CONFIG with the name for whatever would not be obeyed. */
export function parseTopicConfig(
  wanted: readonly { name: string; value: string | null }[],
): TopicConfig {
  const set = new Map<string, string>();
  for (const { name, value } of wanted) {
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (!key) throw new KafkaError(ErrorCode.INVALID_CONFIG, `Unknown topic config name: ${name}`);
    if (value === null)
      throw new KafkaError(
        ErrorCode.INVALID_CONFIG,
        `Null value not supported for topic configs: ${name}`,
      );
    if (!key.accepts(value))
      throw new KafkaError(
        ErrorCode.INVALID_CONFIG,
        `Invalid value ${value} for configuration ${name}`,
      );
    set.set(name, value);
  }
  return new TopicConfig(set);
}

function oneOf(...values: string[]): (value: string) => boolean {
  return (value) => values.includes(value);
}

function integerFrom(smallest: number): (value: string) => boolean {
  return (value) => /^-?\d{1,18}$/.test(value) && Number(value) >= smallest;
}
