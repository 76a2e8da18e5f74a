/** The console beside the functions, and whether it may sign tokens. */
import type { Ports } from "../address.ts";
import { type LocalConsole, startConsole } from "../console/console.ts";
import type { TokenIssuer } from "../console/token.ts";
import type { Plan } from "../plan.ts";
import type { Report } from "../report.ts";
import type { Environment, Secrets } from "../secret.ts";
import type { Parts } from "./server/part.ts";

export interface ConsoleOptions {
  plan: Plan;
  ports: Ports;
  parts: Parts;
  env: Environment;
  report: Report;
}

export function openConsole({
  plan,
  ports,
  parts,
  env,
  report,
}: ConsoleOptions): Promise<LocalConsole> {
  // There may be more Brokers, in any order: what the functions read is the events.
  const events = plan.kafkaSources[0]?.source.topics[0] ?? plan.brokers[0]?.topic ?? "";
  const { kafka, mail, sms, secrets } = parts;
  return startConsole({
    port: ports.console,
    kafka,
    topics: { events, deadLetters: plan.sinks[0]?.topic ?? `${events}-dead-letters` },
    mail: env["SMTP_URL"] ? undefined : mail,
    sms: env["SMS_URL"] ? undefined : sms,
    // With a secret from outside, whoever has it signs.
    tokens: env["JWT_SECRET"] ? undefined : tokenSigner(env, secrets),
    functionAt: (url) => functionAt(url, ports),
    report,
  });
}

/** Undefined where only somebody else has the keys. */
export function tokenSigner(env: Environment, secrets: Secrets): TokenIssuer | undefined {
  const secret = secrets({ name: "token", key: "secret" });
  if (env["JWKS_URL"] || secret === undefined) return undefined;
  return { secret, issuer: env["JWT_ISSUER"], audience: env["JWT_AUDIENCE"] };
}

function functionAt(url: string, ports: Ports): string | undefined {
  const port = URL.canParse(url) ? Number(new URL(url).port) : Number.NaN;
  return Object.entries(ports.services).find(([, it]) => it === port)?.[0];
}
