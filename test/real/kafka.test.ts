/** The suite of the embedded log against Apache Kafka, so that what it says of Kafka is true. */
import { describe } from "vitest";
import { kafkaTests } from "../suite/kafka.ts";

const broker = process.env["REAL_KAFKA_BROKER"];

describe.skipIf(broker === undefined)("Apache Kafka at REAL_KAFKA_BROKER", () => {
  kafkaTests(() => broker ?? "");
});
