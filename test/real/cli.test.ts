/** The operator's commands on Apache Kafka, by the suite of the embedded log. */
import { describe } from "vitest";
import { cliTests } from "../suite/cli.ts";
import { lacks, realKafka } from "../support/real.ts";

describe.skipIf(lacks("kafka"))("Apache Kafka", () => {
  cliTests(() => realKafka);
});
