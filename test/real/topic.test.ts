/** The topic made again, on Apache Kafka and under daprd. */
import { describe } from "vitest";
import { topicTests } from "../suite/topic.ts";
import { lacks } from "../support/real.ts";
import { startRealFlow } from "../support/real-flow.ts";

describe.skipIf(lacks("kafka", "daprd", "postgres", "redis"))("on real servers", () => {
  topicTests(startRealFlow);
});
