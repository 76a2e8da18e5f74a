/** The log of the functions: the embedded Kafka, or the one of KAFKA_BROKER. */
import { join, resolve } from "node:path";
import type { Kafka } from "kafkajs";
import { readVariables } from "../../../lib/host/variables.ts";
import { openKafka } from "../../../lib/kafka/client.ts";
import { KAFKA_SECURITY_VARIABLES, type KafkaEnv, readKafkaEnv } from "../../../lib/kafka/env.ts";
import { kafkaUnusable } from "../../../lib/kafka/mistake.ts";
import { startKafkaThread } from "../../kafka/thread.ts";
import type { Note } from "../../process/note/note.ts";
import { createRepeatedNote } from "../../process/note/repeated-note.ts";
import type { Environment } from "../../secret.ts";

export interface LogOptions {
  stateDir: string;
  port: number;
  env: Environment;
  note: Note;
}

/** Throws a UsageError: the embedded one has neither passwords nor TLS. */
export function readKafka(env: Environment, address: string): KafkaEnv {
  const read = readVariables({ ...env, KAFKA_BROKER: address });
  const stray = KAFKA_SECURITY_VARIABLES.find((variable) => env[variable]);
  if (!env["KAFKA_BROKER"] && stray !== undefined) {
    read.mistake(`${stray} is set, but not KAFKA_BROKER: the embedded Kafka has no passwords.`);
  }
  const kafka = readKafkaEnv(read);
  read.check();
  return kafka;
}

/** As the functions get them: they run in another folder. */
export function kafkaVariables(env: Environment): Record<string, string> {
  return Object.fromEntries(
    KAFKA_SECURITY_VARIABLES.flatMap((variable) => {
      const value = env[variable];
      if (!value) return [];
      return [[variable, variable.endsWith("_FILE") ? resolve(value) : value]];
    }),
  );
}

export async function startLog(options: LogOptions): Promise<AsyncDisposable> {
  const { stateDir, port, env, note } = options;
  if (env["KAFKA_BROKER"]) return new AsyncDisposableStack();
  // A client that is refused tries again, ten times a second.
  const say = createRepeatedNote(note);
  return startKafkaThread({
    dataDir: join(stateDir, "kafka"),
    port,
    log: (message) => say("kafka", message, "warning"),
  });
}

export const openRunnerKafka = (kafka: KafkaEnv, note: Note): Kafka =>
  openKafka({
    ...kafka,
    clientId: "runner",
    onLog: ({ namespace, log }) => note("kafka", `${namespace}: ${log.message}`, "warning"),
  });

/** Throws a UsageError. */
export async function requireKafka(kafka: KafkaEnv): Promise<void> {
  const config = { retry: { retries: 2, initialRetryTime: 300 }, connectionTimeout: 3_000 };
  const admin = openKafka({ ...kafka, clientId: "runner", config }).admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } catch (error) {
    throw kafkaUnusable(error, kafka);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
