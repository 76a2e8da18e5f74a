/** The variables of recurring-task. */
import { readTokenEnv, type TokenEnv } from "../../lib/host/env.ts";
import { type Environment, readVariables } from "../../lib/host/variables.ts";

const dayMs = 86_400_000;

export interface RecurringTaskEnv {
  readonly databaseUrl: string;
  readonly maxConnections: number;
  readonly brokerUrl: string;
  /** Occurrences that are due for longer are skipped. */
  readonly catchUpMs: number;
  /** With `catch_up` none: an occurrence that is due for longer was missed. */
  readonly missedAfterMs: number;
  /** A ping that takes longer leaves the rest to the next one: below `timeoutSeconds` of the Service. */
  readonly pingBudgetMs: number;
  /** How long duplicates are known by name; later ones are older than what is stored, and ignored for that. */
  readonly inboxMs: number;
  readonly token: TokenEnv;
}

export function readEnv(env: Environment = process.env): RecurringTaskEnv {
  const read = readVariables(env);
  const broker = read.optional("BROKER_URL") === undefined ? "K_SINK" : "BROKER_URL";
  const values = {
    databaseUrl: read.url(
      "DATABASE_URL",
      ["postgres:", "postgresql:"],
      "PostgreSQL with the schema recurring",
    ),
    maxConnections: read.integer("DATABASE_CONNECTIONS", 10, 2, 100),
    brokerUrl: read.url(
      read.optional(broker) === undefined ? "BROKER_URL" : broker,
      ["http:", "https:"],
      "the Broker that occurrences are published to (K_SINK serves too)",
    ),
    catchUpMs: read.integer("CATCH_UP_DAYS", 7, 1, 366) * dayMs,
    missedAfterMs: read.integer("MISSED_AFTER_SECONDS", 150, 1, 86_400) * 1000,
    pingBudgetMs: read.integer("PING_BUDGET_MS", 50_000, 100, 600_000),
    inboxMs: read.integer("INBOX_DAYS", 30, 1, 3_660) * dayMs,
    token: readTokenEnv(read),
  };
  read.check();
  return values;
}
