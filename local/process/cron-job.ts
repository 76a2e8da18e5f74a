/** A CronJob: a Job at each time of its schedule. */
import type { FunctionCommand } from "./function-process.ts";
import type { Note } from "./note.ts";

export interface CronJobOptions {
  name: string;
  schedule: string;
  timeZone?: string;
  concurrencyPolicy: "Allow" | "Forbid" | "Replace";
  /** `backoffLimit` of the job template */
  retries: number;
  process: FunctionCommand;
  note: Note;
}

export function startCronJob(options: CronJobOptions): AsyncDisposable {
  throw new Error(`not built yet: ${options.name}`);
}
