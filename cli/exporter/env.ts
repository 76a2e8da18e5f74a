/** The variables of the exporter. */
import { type HostEnv, readHostEnv } from "../../lib/host/env.ts";
import { type Environment, readVariables } from "../../lib/host/variables.ts";
import { type KafkaEnv, readKafkaEnv } from "../../lib/kafka/env.ts";

export interface ExporterEnv {
  readonly host: Pick<HostEnv, "host" | "metricsPort" | "logLevel">;
  /** Of the role `monitor`. */
  readonly databaseUrl: string;
  readonly kafka: KafkaEnv;
  readonly topic: string;
  readonly deadLetterTopic: string;
  /** From one reading of a source to the next. */
  readonly intervalMs: number;
  /** More `host:port` whose certificate is watched, besides those of Kafka and PostgreSQL. */
  readonly certificates: readonly string[];
}

const addressForm = /^(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i;

export function readExporterEnv(env: Environment = process.env): ExporterEnv {
  const read = readVariables(env);
  const certificates = (read.optional("CERTIFICATES") ?? "")
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
  for (const address of certificates.filter((it) => !addressForm.test(it))) {
    read.mistake(`CERTIFICATES has "${address}": write host:port, separated by commas.`);
  }
  const values = {
    databaseUrl: read.url(
      "DATABASE_URL",
      ["postgres:", "postgresql:"],
      "the connection of the role monitor",
    ),
    kafka: readKafkaEnv(read),
    topic: read.optional("KAFKA_TOPIC") ?? "task-events",
    deadLetterTopic: read.optional("DEAD_LETTER_TOPIC") ?? "task-events-dead-letters",
    intervalMs: read.integer("INTERVAL_SECONDS", 30, 1, 3_600) * 1_000,
    certificates,
  };
  read.check();
  return { host: readHostEnv(env), ...values };
}
