/** Questions to Kafka that kafkajs' admin client asks only once, though the answer was "not yet". */
import { setTimeout as delay } from "node:timers/promises";
import kafkajs from "kafkajs";

// Its errors are spread into its exports: Node does not find them by name.
const { KafkaJSError } = kafkajs;

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;
/** About 10 s: a coordinator or a leader that is being chosen, after a start or with a new topic. */
const TRIES = 14;

/** Again while the error is one that passes by itself, such as COORDINATOR_LOAD_IN_PROGRESS. */
export async function ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await question();
    } catch (error) {
      if (tried === TRIES || !(error instanceof KafkaJSError && error.retriable)) throw error;
      await delay(Math.min(FIRST_WAIT_MS * 2 ** (tried - 1), LONGEST_WAIT_MS));
    }
  }
}
