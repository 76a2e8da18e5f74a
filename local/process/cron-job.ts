/** A CronJob: a Job at each time of its schedule. */
import { Cron } from "croner";
import type { FunctionCommand } from "./replica/function-process.ts";
import { runJob } from "./job.ts";
import type { Note } from "./note/note.ts";

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

export interface RunningCronJob extends AsyncDisposable {
  /** One run now, beside the schedule (`kubectl create job --from=cronjob/…`). A failed one is a note, as in the cluster. */
  run(): Promise<void>;
}

export function startCronJob(options: CronJobOptions): RunningCronJob {
  const running = new Map<AbortController, Promise<void>>();
  const run = async () => {
    if (running.size > 0 && options.concurrencyPolicy === "Forbid") return;
    if (options.concurrencyPolicy === "Replace") for (const other of running.keys()) other.abort();
    const stop = new AbortController();
    const { process, retries, note } = options;
    const done = runJob({ process, retries, note, signal: stop.signal })
      .catch((error: unknown) => note(options.name, messageOf(error), "error"))
      .finally(() => running.delete(stop));
    running.set(stop, done);
    await done;
  };
  const cron = new Cron(
    options.schedule,
    { timezone: options.timeZone ?? "UTC", mode: "5-part" },
    run,
  );
  return {
    run,
    [Symbol.asyncDispose]: async () => {
      cron.stop();
      for (const stop of running.keys()) stop.abort();
      await Promise.all(running.values());
    },
  };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
