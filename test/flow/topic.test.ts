/** The topic made again, on the embedded log. */
import { topicTests } from "../suite/topic.ts";
import { Runner } from "../support/runner.ts";

topicTests(async (options) => {
  const runner = await Runner.start(options);
  return {
    runner,
    kafka: `localhost:${runner.ports.kafka}`,
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
});
