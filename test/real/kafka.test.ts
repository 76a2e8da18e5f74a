/** The suite of the embedded log against Apache Kafka, so that what it says of Kafka is true. */
import { describe } from "vitest";
import { kafkaTests } from "../suite/kafka.ts";
import { lacks, realKafka } from "../support/real.ts";

describe.skipIf(lacks("kafka"))("Apache Kafka", () => {
  kafkaTests(() => realKafka);
});
