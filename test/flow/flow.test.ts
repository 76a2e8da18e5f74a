/** One event's whole way, on everything that `make start` starts: nothing here is a stand-in. */
import { flowTests } from "../suite/flow.ts";
import { Runner } from "../support/runner.ts";

flowTests(async () => {
  const runner = await Runner.start();
  return {
    runner,
    kafka: `localhost:${runner.ports.kafka}`,
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
});
