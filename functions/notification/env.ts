/** The variables that notification reads. */
import { readTokenEnv, type TokenEnv } from "../../lib/host/env.ts";
import { type Environment, readVariables } from "../../lib/host/variables.ts";

export interface NotificationEnv {
  readonly databaseUrl: string;
  readonly smtpUrl: string;
  /** PEM: trusted besides the system's authorities, of a server with its own. */
  readonly smtpCa?: string | undefined;
  readonly smtpFrom: string;
  /** Sends at once by SMTP; as many connections more serve slow recipients. */
  readonly smtpConnections: number;
  readonly smsUrl: string;
  readonly smsFrom: string;
  readonly smsConnections: number;
  /** After this a message that still cannot be sent is `failed`. */
  readonly retryHours: number;
  /** How long the ledger remembers: events older than this are not told to anybody. */
  readonly ledgerDays: number;
  readonly token: TokenEnv;
}

/** `Name <address>` or an address alone. */
const mailbox = /^(?:[^<>\r\n]*<[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$/;

export function readNotificationEnv(env: Environment = process.env): NotificationEnv {
  const read = readVariables(env);
  const values = {
    databaseUrl: read.url(
      "DATABASE_URL",
      ["postgres:", "postgresql:"],
      "where the ledger is (PostgreSQL)",
    ),
    smtpUrl: read.url("SMTP_URL", ["smtp:", "smtps:"], "the mail server"),
    smtpCa: read.certificates("SMTP_CA_FILE"),
    smtpFrom: read.required("SMTP_FROM", "the sender of e-mails"),
    smtpConnections: read.integer("SMTP_CONNECTIONS", 10, 1, 200),
    smsUrl: read.url("SMS_URL", ["http:", "https:"], "the Twilio-compatible SMS provider"),
    smsFrom: read.required("SMS_FROM", "the sender of SMS"),
    smsConnections: read.integer("SMS_CONNECTIONS", 10, 1, 200),
    retryHours: read.integer("RETRY_HOURS", 24, 1, 168),
    // Longer than any message is tried.
    ledgerDays: read.integer("LEDGER_DAYS", 400, 8, 3_660),
    token: readTokenEnv(read),
  };
  if (values.smtpFrom !== "" && !mailbox.test(values.smtpFrom)) {
    read.mistake('SMTP_FROM must be an address, or "Name <address>".');
  }
  if (URL.canParse(values.smsUrl) && new URL(values.smsUrl).username === "") {
    read.mistake("SMS_URL must name the account and its secret: https://account:secret@host.");
  }
  read.check();
  return values;
}
