/** `make start` for a part of the bench, ended with it even where the bench itself is killed. */
import { guardProcess } from "../../local/real/guard.ts";
import { Runner, type RunnerOptions } from "../support/runner.ts";

export async function startRunner(
  stack: AsyncDisposableStack,
  options?: RunnerOptions,
): Promise<Runner> {
  const runner = stack.use(await Runner.start(options));
  stack.use(guardProcess(runner.pid, "SIGTERM"));
  return runner;
}
