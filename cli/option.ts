/** The options that several commands share, said once. */
import { type Command, InvalidArgumentError } from "commander";

const env = process.env;
const portOf = (variable: string, otherwise: number): string => env[variable] || String(otherwise);
const localUrl = (variable: string, otherwise: number): string =>
  `http://localhost:${portOf(variable, otherwise)}`;

/** Functions that a KafkaSource delivers to, each under the name of its consumer group. */
export const functionNames = ["audit-log", "notification", "recurring-task"] as const;
export type FunctionName = (typeof functionNames)[number];

export interface KafkaOptions {
  readonly kafka: string;
  readonly topic: string;
}

export interface DeadLetterTopicOptions {
  readonly kafka: string;
  readonly deadLetterTopic: string;
}

export interface FunctionOptions {
  readonly auditLog: string;
  readonly notification: string;
  readonly recurringTask: string;
}

export interface TokenOptions {
  readonly console: string;
  readonly token?: string;
}

const withBrokers = (command: Command): Command =>
  command.option(
    "--kafka <host:port,…>",
    "the Kafka brokers (KAFKA_BROKER)",
    env["KAFKA_BROKER"] || `localhost:${portOf("KAFKA_PORT", 9092)}`,
  );

export const withKafka = (command: Command): Command =>
  withBrokers(command).option(
    "--topic <name>",
    "the topic of the events (KAFKA_TOPIC)",
    env["KAFKA_TOPIC"] || "task-events",
  );

export const withDeadLetterTopic = (command: Command): Command =>
  withBrokers(command).option(
    "--dead-letter-topic <name>",
    "the topic of the dead letters",
    "task-events-dead-letters",
  );

export const withAuditLog = (command: Command): Command =>
  command.option(
    "--audit-log <url>",
    "where audit-log is (AUDIT_LOG_URL)",
    env["AUDIT_LOG_URL"] || localUrl("AUDIT_LOG_PORT", 8003),
  );

/** Where each function is, by its name. */
export const withFunctions = (command: Command): Command =>
  withAuditLog(command)
    .option(
      "--notification <url>",
      "where notification is (NOTIFICATION_URL)",
      env["NOTIFICATION_URL"] || localUrl("NOTIFICATION_PORT", 8001),
    )
    .option(
      "--recurring-task <url>",
      "where recurring-task is (RECURRING_TASK_URL)",
      env["RECURRING_TASK_URL"] || localUrl("RECURRING_TASK_PORT", 8002),
    );

export const withToken = (command: Command): Command =>
  command
    .option(
      "--console <url>",
      "the console of a local run, which makes a token",
      localUrl("CONSOLE_PORT", 8090),
    )
    .option(
      "--token <jwt>",
      "a token with scope admin, where there is no console (TASK_EVENTS_TOKEN)",
      env["TASK_EVENTS_TOKEN"],
    );

export const withJson = (command: Command): Command =>
  command.option("--json", "print JSON, for scripts");

export const urlOf = (options: FunctionOptions, name: FunctionName): string =>
  ({
    "audit-log": options.auditLog,
    notification: options.notification,
    "recurring-task": options.recurringTask,
  })[name];

export const isFunctionName = (text: string): text is FunctionName =>
  (functionNames as readonly string[]).includes(text);

/** For commander: a whole number in a range. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };

export function toFunctionName(text: string): FunctionName {
  if (isFunctionName(text)) return text;
  throw new InvalidArgumentError(`There are ${functionNames.join(", ")}.`);
}
