/** How a program of ours ends by an error. A file of its own, so that a Job does not load the whole host for it. */
import { UsageError } from "./error.ts";

/** A person's mistake is a sentence, exit code 2. */
export function exitWith(error: unknown): never {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}
