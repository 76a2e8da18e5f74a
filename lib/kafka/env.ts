/** How Kafka is reached, and as whom: the variables of everything that makes a Kafka client. */
import type { readVariables } from "../host/variables.ts";

type Reader = ReturnType<typeof readVariables>;

export const SASL_MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;

export interface Sasl {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

export interface Tls {
  /** PEM; the system's authorities where undefined. */
  readonly ca: string | undefined;
}

export interface KafkaEnv {
  /** `host:port`, several separated by commas. */
  readonly brokers: string;
  readonly sasl?: Sasl | undefined;
  /** Undefined: in plain text. */
  readonly tls?: Tls | undefined;
}

/** Beside KAFKA_BROKER. The runner hands them to what reads that one. */
export const KAFKA_SECURITY_VARIABLES = [
  "KAFKA_SASL_MECHANISM",
  "KAFKA_USERNAME",
  "KAFKA_PASSWORD",
  "KAFKA_PASSWORD_FILE",
  "KAFKA_TLS",
  "KAFKA_CA_FILE",
] as const;

const BROKER = /^(?:[\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}$/;

export function readKafkaEnv(read: Reader): KafkaEnv {
  const meaning = "host:port of the Kafka brokers, separated by commas";
  const brokers = read.required("KAFKA_BROKER", meaning);
  const wrong = brokers.split(",").find((broker) => !BROKER.test(broker.trim()));
  if (brokers !== "" && wrong !== undefined) {
    // Not repeated: where a URL is put here, it has a password.
    read.mistake("KAFKA_BROKER must be host:port, several separated by commas.");
  }
  return { brokers, sasl: readSasl(read), tls: readTls(read) };
}

function readSasl(read: Reader): Sasl | undefined {
  const name = read.optional("KAFKA_SASL_MECHANISM")?.toLowerCase();
  const username = read.optional("KAFKA_USERNAME");
  const password = readPassword(read);
  if (name === undefined) {
    if (username !== undefined || password !== undefined) {
      read.mistake(
        `KAFKA_USERNAME and KAFKA_PASSWORD need KAFKA_SASL_MECHANISM: ${SASL_MECHANISMS.join(", ")}.`,
      );
    }
    return undefined;
  }
  const mechanism = SASL_MECHANISMS.find((it) => it === name);
  if (mechanism === undefined) {
    read.mistake(`KAFKA_SASL_MECHANISM must be one of ${SASL_MECHANISMS.join(", ")}.`);
  }
  if (username === undefined) read.mistake("KAFKA_SASL_MECHANISM is set, but not KAFKA_USERNAME.");
  if (password === undefined) {
    read.mistake(
      "KAFKA_SASL_MECHANISM is set, but neither KAFKA_PASSWORD nor KAFKA_PASSWORD_FILE.",
    );
  }
  if (mechanism === undefined || username === undefined || password === undefined) return undefined;
  return { mechanism, username, password };
}

function readPassword(read: Reader): string | undefined {
  const password = read.optional("KAFKA_PASSWORD");
  if (read.optional("KAFKA_PASSWORD_FILE") === undefined) return password;
  if (password !== undefined) {
    read.mistake(
      "KAFKA_PASSWORD and KAFKA_PASSWORD_FILE are both set: one of them has the password.",
    );
  }
  // Editors end a file with a newline.
  const text = read.file("KAFKA_PASSWORD_FILE")?.replace(/\r?\n$/, "");
  if (text === "") read.mistake("The file of KAFKA_PASSWORD_FILE is empty.");
  return text;
}

function readTls(read: Reader): Tls | undefined {
  const tls = read.optional("KAFKA_TLS")?.toLowerCase() ?? "false";
  if (tls !== "true" && tls !== "false") read.mistake("KAFKA_TLS must be true or false.");
  const ca = read.certificates("KAFKA_CA_FILE");
  if (read.optional("KAFKA_CA_FILE") !== undefined && tls !== "true")
    read.mistake("KAFKA_CA_FILE needs KAFKA_TLS=true.");
  return tls === "true" ? { ca } : undefined;
}
