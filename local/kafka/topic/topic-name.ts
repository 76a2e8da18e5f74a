/** Which names a topic may have. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";

const LONGEST = 249;
const LEGAL = /^[a-zA-Z0-9._-]+$/;

export function isValidTopicName(name: string): boolean {
  return refusalOf(name) === undefined;
}

/** Throws INVALID_TOPIC. */
export function checkTopicName(name: string): void {
  const refusal = refusalOf(name);
  if (refusal !== undefined)
    throw new KafkaError(ErrorCode.INVALID_TOPIC, `Topic name is invalid: ${refusal}`);
}

/** Dots and underscores are one in the names of Kafka's metrics, so topics may not differ by them alone. */
export function collides(one: string, other: string): boolean {
  return one.replaceAll(".", "_") === other.replaceAll(".", "_");
}

/** In Kafka's words. */
function refusalOf(name: string): string | undefined {
  if (name === "") return "the empty string is not allowed";
  if (name === "." || name === "..") return `'${name}' is not allowed`;
  if (name.length > LONGEST)
    return `the length of '${name}' is longer than the max allowed length ${LONGEST}`;
  if (!LEGAL.test(name))
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  return undefined;
}
