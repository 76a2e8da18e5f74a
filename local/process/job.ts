/** A Job: one process that must end with 0. */
import type { FunctionCommand } from "./function-process.ts";
import type { Note } from "./note.ts";

export interface JobOptions {
  process: FunctionCommand;
  /** `backoffLimit` */
  retries: number;
  /** `activeDeadlineSeconds` */
  timeoutMs?: number;
  note: Note;
}

/** Rejects with a UsageError for exit code 2, with an Error that names the log file for any other failure. */
export function runJob(options: JobOptions): Promise<void> {
  return Promise.reject(new Error(`not built yet: ${options.process.name}`));
}
