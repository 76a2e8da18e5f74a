/** The kinds of things that have configs, and what can be altered of them. */
import { ErrorCode, KafkaError } from "../../protocol/error-code.ts";
import { checkTopicName } from "../../topic/topic-name.ts";

export const TOPIC = 2;
export const BROKER = 4;

/** Throws for what is refused whichever topics there are. */
export function checkAlteration(
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
