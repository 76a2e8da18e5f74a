/** Tells an error of the database that may pass from one that the data caused. */
import { RetryableError } from "../host/error.ts";

/** The server is down, restarting, overloaded, or two transactions met: SQLSTATE classes, PostgreSQL appendix A. */
const passingClasses = new Set(["08", "40", "53", "55", "57", "58"]);
const passingCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
]);
/** pg throws these without a code. */
const passingMessages =
  /connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|connection is closed|Connection ended/i;

export function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

export function isPassing(error: unknown): boolean {
  const code = sqlStateOf(error);
  if (code !== undefined) return passingCodes.has(code) || passingClasses.has(code.slice(0, 2));
  if (error instanceof AggregateError) return error.errors.some(isPassing);
  return error instanceof Error && passingMessages.test(error.message);
}

/** Classes 22 and 23: this row cannot be stored as it is. */
export const isOfTheData = (error: unknown): boolean => /^2[23]/.test(sqlStateOf(error) ?? "");

/** Runs `work`; a passing failure becomes a RetryableError, so that the delivery is retried. */
export async function retryable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isPassing(error)) throw error;
    throw new RetryableError("store_unavailable", "the database is not available", {
      cause: error,
    });
  }
}
