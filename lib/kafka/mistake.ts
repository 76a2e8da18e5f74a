/** Tells a person's mistake about Kafka (a password, an authority, an address) from a Kafka that is away. */
import { UsageError } from "../host/error.ts";
import type { KafkaEnv } from "./env.ts";

const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** KafkaJSProtocolError has it as a number. */
const ILLEGAL_SASL_STATE = "34";

/** Undefined where waiting may help. The sentence has no secret: what a server says of one is not repeated. */
export function kafkaMistake(error: unknown, kafka: KafkaEnv): UsageError | undefined {
  const sentence = sentenceOf(error, kafka);
  return sentence === undefined ? undefined : new UsageError(sentence);
}

/** At the start of something that a person waits for: whatever keeps it from Kafka, in a sentence. */
export function kafkaUnusable(error: unknown, kafka: KafkaEnv): UsageError {
  const known = kafkaMistake(error, kafka);
  if (known !== undefined) return known;
  const { brokers, sasl, tls } = kafka;
  const reason = error instanceof Error ? error.message : String(error);
  if (/before secure TLS connection/.test(reason)) {
    const sentence = `Kafka at ${brokers} does not speak TLS there: unset KAFKA_TLS, or name its TLS port in KAFKA_BROKER.`;
    return new UsageError(sentence);
  }
  // What a broker does with a client that has no password, or speaks plain text to its TLS.
  if (/Closed connection/.test(reason) && (sasl === undefined || tls === undefined)) {
    const sentence = `Kafka at ${brokers} closes the connection: does it want TLS (KAFKA_TLS=true) or a password (KAFKA_SASL_MECHANISM)?`;
    return new UsageError(sentence);
  }
  return new UsageError(`Kafka at ${brokers} (KAFKA_BROKER) cannot be reached: ${reason}.`);
}

function sentenceOf(error: unknown, { brokers, sasl, tls }: KafkaEnv): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error ? String(error.code) : "";
  if (error.name === "KafkaJSSASLAuthenticationError") {
    const as = sasl === undefined ? "" : ` as ${sasl.username} with ${sasl.mechanism}`;
    return `Kafka at ${brokers} does not let us in${as}: KAFKA_USERNAME, KAFKA_PASSWORD and KAFKA_SASL_MECHANISM must be those of a user there.`;
  }
  if (UNTRUSTED.has(code)) {
    const by = tls?.ca === undefined ? "set KAFKA_CA_FILE to" : "the file of KAFKA_CA_FILE is not";
    return `The certificate of Kafka at ${brokers} is not trusted: ${by} that of its authority.`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `The certificate of Kafka at ${brokers} is for another host name than the one of KAFKA_BROKER.`;
  }
  if (code === "CERT_HAS_EXPIRED") return `The certificate of Kafka at ${brokers} has expired.`;
  if (error.name === "KafkaJSProtocolError" && code === ILLEGAL_SASL_STATE) {
    return `Kafka at ${brokers} takes no password there: unset KAFKA_SASL_MECHANISM, or name its SASL port in KAFKA_BROKER.`;
  }
  const { cause, originalError } = error as { cause?: unknown; originalError?: unknown };
  const inner = cause ?? originalError;
  return inner === undefined || inner === error
    ? undefined
    : sentenceOf(inner, { brokers, sasl, tls });
}
