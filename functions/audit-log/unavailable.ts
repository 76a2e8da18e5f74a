/** Why a Job could not do its work, in a sentence: a server that is away is no bug, and needs no stack. */
import { RetryableError, UsageError } from "../../lib/host/error.ts";
import type { KafkaEnv } from "../../lib/kafka/env.ts";
import { kafkaUnusable } from "../../lib/kafka/mistake.ts";
import { isPassing, sqlStateOf } from "../../lib/store/failure.ts";

/** The error itself where it is something else. */
export function explained(error: unknown, kafka: KafkaEnv): unknown {
  const cause = error instanceof RetryableError ? error.cause : error;
  if (isPassing(cause)) {
    return new UsageError(`PostgreSQL is not available (${reasonOf(cause)}): run it again later.`);
  }
  if (error instanceof Error && error.name.startsWith("KafkaJS"))
    return kafkaUnusable(error, kafka);
  return error;
}

/** Of several addresses tried, Node's error has no message. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error && error.message) || (sqlStateOf(error) ?? "no connection");
