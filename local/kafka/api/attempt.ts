/** Turns what an admin API threw into the code and the sentence of its answer. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { isStorageError } from "../../file/atomic-file.ts";

export interface Outcome {
  readonly error: ErrorCode;
  readonly message: string | null;
}

export async function attempt(step: () => void | Promise<void>): Promise<Outcome> {
  try {
    await step();
    return { error: ErrorCode.NONE, message: null };
  } catch (error) {
    if (error instanceof KafkaError) return { error: error.code, message: error.message };
    if (!isStorageError(error)) throw error;
    return { error: ErrorCode.KAFKA_STORAGE_ERROR, message: error.message };
  }
}
