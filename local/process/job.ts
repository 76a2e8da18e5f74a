/** A Job: one process that must end with 0. */
import { RetryableError, UsageError } from "../../lib/host/error.ts";
import {
  describeExit,
  spawnNode,
  stopChild,
  type Exit,
  type FunctionCommand,
} from "./replica/function-process.ts";
import type { Note } from "./note/note.ts";

export interface JobOptions {
  process: FunctionCommand;
  /** `backoffLimit` */
  retries: number;
  /** `activeDeadlineSeconds` */
  timeoutMs?: number;
  note: Note;
  /** Ends it early: SIGTERM, as when the Job is deleted. */
  signal?: AbortSignal;
}

const DRAIN_MS = 5_000;

/** Rejects with a UsageError for exit code 2, with a RetryableError that names the log file for any other failure. */
export async function runJob(options: JobOptions): Promise<void> {
  const { name, stateDir } = options.process;
  for (let attempt = 0; ; attempt += 1) {
    const exit = await runOnce(options);
    if (exit.code === 0 || options.signal?.aborted === true) return;
    if (exit.code === 2) throw new UsageError(`${name}: ${exit.sentence}`);
    if (attempt >= options.retries) {
      const sentence = `${name} ${describeExit(exit)} (more in ${stateDir}/log/${name}.log)`;
      throw new RetryableError("job_failed", sentence);
    }
    options.note(name, `${describeExit(exit)}; tried again`, "warning");
  }
}

async function runOnce({ process: command, note, timeoutMs, signal }: JobOptions): Promise<Exit> {
  const { child, exited } = await spawnNode(command, note);
  const stop = () => void stopChild(child, exited, command.drainMs ?? DRAIN_MS);
  const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted === true) stop();
  const exit = await exited;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
  return exit;
}
