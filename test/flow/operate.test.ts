/** An outage of PostgreSQL beyond the retries and its redrive, on the embedded parts. */
import { operateTests } from "../suite/operate.ts";
import { takePostgresAway } from "../support/chaos.ts";
import { Runner } from "../support/runner.ts";

operateTests(async (options) => {
  const runner = await Runner.start(options);
  return {
    runner,
    kafka: `localhost:${runner.ports.kafka}`,
    takePostgresAway: async () => {
      const giveBack = takePostgresAway(runner);
      return async () => giveBack();
    },
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
});
