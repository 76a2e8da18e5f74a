/** One event's whole way on real Kafka, daprd, PostgreSQL and Redis. */
import { describe } from "vitest";
import { flowTests } from "../suite/flow.ts";
import { pathTests } from "../suite/path.ts";
import { lacks } from "../support/real.ts";
import { startRealFlow } from "../support/real-flow.ts";

describe.skipIf(lacks("kafka", "daprd", "postgres", "redis"))("on real servers", () => {
  pathTests(flowTests(startRealFlow));
});
