/** The topic configs that the log honours, and those it takes because it behaves so anyway. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";

interface ConfigKey {
  readonly fallback: string;
  /** What the broker's own config is called that this one falls back to, where it has one of that value. */
  readonly brokerName?: string;
  /** Why a value is refused, in Kafka's words. */
  readonly refusal: (value: string) => string | undefined;
}

const INT_MAX = 2n ** 31n - 1n;
const LONG_MAX = 2n ** 63n - 1n;

const keys: Readonly<Record<string, ConfigKey>> = {
  "cleanup.policy": {
    fallback: "delete",
    brokerName: "log.cleanup.policy",
    refusal: only("delete"),
  },
  "compression.type": {
    fallback: "producer",
    brokerName: "compression.type",
    refusal: only("producer"),
  },
  "max.message.bytes": {
    fallback: "1048588",
    brokerName: "message.max.bytes",
    refusal: integer("INT", 0n),
  },
  "message.timestamp.type": {
    fallback: "CreateTime",
    brokerName: "log.message.timestamp.type",
    refusal: only("CreateTime"),
  },
  "min.insync.replicas": {
    fallback: "1",
    brokerName: "min.insync.replicas",
    refusal: integer("INT", 1n),
  },
  "retention.bytes": {
    fallback: "-1",
    brokerName: "log.retention.bytes",
    refusal: integer("LONG"),
  },
  "retention.ms": { fallback: "604800000", refusal: integer("LONG", -1n) },
  "segment.bytes": {
    fallback: "67108864",
    brokerName: "log.segment.bytes",
    refusal: integer("INT", 1_048_576n),
  },
};

/** As in Kafka: for tests, never described, and goes before `segment.bytes`. */
const INTERNAL_SEGMENT_BYTES = "internal.segment.bytes";
const internal: Readonly<Record<string, ConfigKey>> = {
  [INTERNAL_SEGMENT_BYTES]: { fallback: "", refusal: integer("INT", 14n) },
};

const lists: ReadonlySet<string> = new Set(["cleanup.policy"]);

/** Whether its value is several, separated by commas. */
export const isList = (name: string): boolean => lists.has(name);

export type NumericConfig = "max.message.bytes" | "retention.bytes" | "retention.ms";

export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  readonly isDefault: boolean;
  /** The config of the broker that gives the default, by its name and value. */
  readonly fallback?: { readonly name: string; readonly value: string } | undefined;
}

export class TopicConfig {
  readonly #set: ReadonlyMap<string, string>;

  constructor(set: Iterable<readonly [string, string]> = []) {
    this.#set = new Map(set);
  }

  number(name: NumericConfig): number {
    return Number(this.value(name));
  }

  value(name: string): string {
    return this.#set.get(name) ?? keys[name]?.fallback ?? "";
  }

  get segmentBytes(): number {
    const wanted = this.#set.get(INTERNAL_SEGMENT_BYTES) ?? this.#set.get("segment.bytes");
    return Number(wanted ?? keys["segment.bytes"]?.fallback);
  }

  entries(): ConfigEntry[] {
    return Object.entries(keys).map(([name, { fallback, brokerName }]) => {
      const value = this.#set.get(name);
      const above = brokerName === undefined ? undefined : { name: brokerName, value: fallback };
      return { name, value: value ?? fallback, isDefault: value === undefined, fallback: above };
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
    const table = Object.hasOwn(internal, name) ? internal : keys;
    const key = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!key) throw invalid(`Unknown topic config name: ${name}`);
    if (value === null) throw invalid(`Null value not supported for topic configs: ${name}`);
    const refusal = key.refusal(value.trim());
    if (refusal !== undefined)
      throw invalid(`Invalid value ${value} for configuration ${name}: ${refusal}`);
    set.set(name, value.trim());
  }
  return new TopicConfig(set);
}

function only(honoured: string): (value: string) => string | undefined {
  return (value) => (value === honoured ? undefined : `the embedded log knows ${honoured} alone`);
}

function integer(type: "INT" | "LONG", smallest?: bigint): (value: string) => string | undefined {
  const largest = type === "INT" ? INT_MAX : LONG_MAX;
  return (text) => {
    const value = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
    if (value === undefined || value > largest || value < -largest - 1n)
      return `Not a number of type ${type}`;
    return smallest !== undefined && value < smallest
      ? `Value must be at least ${smallest}`
      : undefined;
  };
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_CONFIG, message);
}
