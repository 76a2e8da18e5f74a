/** A planned process with everything in its environment: secrets, and what a person sets from outside. */
import { resolve } from "node:path";
import type { ProcessPlan } from "../plan/process.ts";
import { resolveEnv } from "../plan/process.ts";
import type { FunctionCommand } from "../process/replica/function-process.ts";
import type { Environment, Secrets } from "../secret.ts";
import { kafkaVariables } from "./server/kafka.ts";

/** Handed on where set, beside what the YAML gives: how tokens are checked, how much is logged, where traces go. */
const HANDED_ON = [
  "JWKS_URL",
  "JWT_ISSUER",
  "JWT_AUDIENCE",
  "ALLOWED_ORIGINS",
  "LOG_LEVEL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_TRACES_SAMPLER_ARG",
];

/** With a server from outside: to whoever reads its address, and nobody else. */
const handedOnWith = (planned: ProcessPlan["env"], env: Environment): Record<string, string> => ({
  ...("KAFKA_BROKER" in planned ? kafkaVariables(env) : {}),
  ...("SMTP_URL" in planned && env["SMTP_CA_FILE"]
    ? { SMTP_CA_FILE: resolve(env["SMTP_CA_FILE"]) }
    : {}),
});

export interface CommandOptions {
  sources: string;
  stateDir: string;
  env: Environment;
  secrets: Secrets;
}

export function toCommand(
  { sources, stateDir, env, secrets }: CommandOptions,
  { entry, env: planned, probes }: ProcessPlan,
  name: string,
  metricsPort?: number,
): FunctionCommand {
  const resolved = resolveEnv(planned, { secrets, podName: name });
  const handedOn = HANDED_ON.flatMap((variable) => {
    const value = env[variable];
    return value ? [[variable, value] as const] : [];
  });
  const all: Record<string, string> = {
    ...resolved,
    ...Object.fromEntries(handedOn),
    ...handedOnWith(planned, env),
  };
  // Whoever checks tokens by a JWKS must not take those of a local secret too.
  if (all["JWKS_URL"] !== undefined) delete all["JWT_SECRET"];
  const command = { name, entry, cwd: sources, stateDir, env: all, probes };
  return metricsPort === undefined ? command : { ...command, metricsPort };
}
