/** How a program of ours ends by an error. A file of its own, so that a Job does not load the whole host for it. */
import { RetryableError, UsageError } from "./error.ts";

const MISTAKE = 2;

/** A person's mistake is a sentence, exit code 2. What may work later is one too, exit code 1; a bug shows its stack. */
export function exitWith(error: unknown): never {
  process.stderr.write(`${textOf(error)}\n`);
  process.exit(error instanceof UsageError ? MISTAKE : 1);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = error instanceof UsageError || error instanceof RetryableError;
  return isExpected ? error.message : (error.stack ?? error.message);
}
