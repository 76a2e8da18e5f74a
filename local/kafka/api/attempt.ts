/** Turns what an admin API threw into the code and the sentence of its answer. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";

export interface Outcome {
  readonly error: ErrorCode;
  readonly message: string | null;
}

export async function attempt(step: () => void | Promise<void>): Promise<Outcome> {
  try {
    await step();
    return { error: ErrorCode.NONE, message: null };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { error: error.code, message: error.message };
  }
}
