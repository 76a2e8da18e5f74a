/** Starts a function for a test, on ports of its own, silent, and closes it when the test has finished. */
import { onTestFinished } from "vitest";
import { type FunctionDefinition } from "../../lib/host/function.ts";
import { openLog } from "../../lib/host/log.ts";
import { type RunningFunction, startFunction } from "../../lib/host/serve.ts";

export async function startForTest<Resources extends AsyncDisposable>(
  definition: FunctionDefinition<Resources>,
): Promise<RunningFunction<Resources>> {
  const env = {
    host: "127.0.0.1",
    port: 0,
    metricsPort: 0,
    logLevel: "silent",
    drainMs: 5_000,
    exitWithParent: false,
  };
  const running = await startFunction(definition, env, openLog(definition.name, "silent"));
  onTestFinished(() => running[Symbol.asyncDispose]());
  return running;
}
