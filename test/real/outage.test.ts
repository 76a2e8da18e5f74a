/** An outage of PostgreSQL beyond the retries and its redrive, on real Kafka, PostgreSQL, daprd and Redis. */
import { describe } from "vitest";
import { operateTests } from "../suite/operate.ts";
import { lacks } from "../support/real.ts";
import { startRealFlow } from "../support/real-flow.ts";

describe.skipIf(lacks("kafka", "daprd", "postgres", "redis"))("on real servers", () => {
  operateTests(async (options) => {
    const flow = await startRealFlow(options);
    return {
      ...flow,
      takePostgresAway: async () => {
        await flow.servers.postgres?.kill("SIGKILL");
        return async () => {
          if (flow.servers.postgres?.pid === undefined) await flow.servers.postgres?.restart();
        };
      },
    };
  });
});
