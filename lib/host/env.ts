/** The variables that every function's host reads. */
import type { TracesEnv } from "./span.ts";
import { readVariables, type Environment } from "./variables.ts";

export interface HostEnv {
  readonly host: string | undefined;
  readonly port: number;
  readonly metricsPort: number;
  readonly logLevel: string;
  /** How long in-flight events may take after SIGTERM, in ms. */
  readonly drainMs: number;
  /** True under the local runner: the function ends when its parent's pipe closes. */
  readonly exitWithParent: boolean;
  /** Undefined: nobody collects traces. */
  readonly traces?: TracesEnv | undefined;
}

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

export function readHostEnv(env: Environment = process.env): HostEnv {
  const read = readVariables(env);
  const logLevel = read.optional("LOG_LEVEL") ?? "info";
  if (!levels.includes(logLevel)) read.mistake(`LOG_LEVEL must be one of ${levels.join(", ")}.`);
  const values = {
    host: read.optional("HOST"),
    port: read.integer("PORT", 8080, 0, 65_535),
    metricsPort: read.integer("METRICS_PORT", 9102, 0, 65_535),
    logLevel,
    drainMs: read.integer("DRAIN_MS", 25_000, 0, 600_000),
    exitWithParent: read.optional("EXIT_WITH_PARENT") === "1",
    traces: readTracesEnv(read),
  };
  read.check();
  return values;
}

/** OpenTelemetry's own names. */
function readTracesEnv(read: ReturnType<typeof readVariables>): TracesEnv | undefined {
  const endpoint = read.optionalUrl("OTEL_EXPORTER_OTLP_ENDPOINT", ["http:", "https:"]);
  const ratio = Number(read.optional("OTEL_TRACES_SAMPLER_ARG") ?? "1");
  if (!(ratio >= 0 && ratio <= 1)) {
    read.mistake("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.");
  }
  return endpoint === undefined ? undefined : { endpoint, ratio };
}

/** How management routes and the gateway check tokens. */
export interface TokenEnv {
  readonly secret: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

export function readTokenEnv(read: ReturnType<typeof readVariables>): TokenEnv {
  const secret = read.optional("JWT_SECRET");
  const jwksUrl = read.optionalUrl("JWKS_URL", ["https:", "http:"]);
  if (secret === undefined && jwksUrl === undefined) {
    read.mistake("Neither JWT_SECRET nor JWKS_URL is set: one of them checks the tokens of users.");
  }
  if (secret !== undefined && Buffer.byteLength(secret) < 32) {
    read.mistake("JWT_SECRET must have at least 32 bytes (RFC 7518, section 3.2).");
  }
  return {
    secret,
    jwksUrl,
    issuer: read.optional("JWT_ISSUER"),
    audience: read.optional("JWT_AUDIENCE"),
  };
}
