/** How much, how fast and on what: from LOAD_EVENTS, LOAD_CLIENTS, LOAD_RATE, LOAD_INTAKE and LOAD_EMBEDDED. */
import { UsageError } from "../../lib/host/error.ts";

export interface LoadOptions {
  readonly events: number;
  readonly clients: number;
  /** Events a second; 0: as fast as they are accepted. */
  readonly rate: number;
  readonly intake: "ingress" | "kafka";
  readonly isEmbedded: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readOptions(env: Environment): LoadOptions {
  if (process.platform !== "linux") {
    throw new UsageError("make load reads memory and CPU time from /proc: it needs Linux.");
  }
  const intake = env["LOAD_INTAKE"] || "ingress";
  if (intake !== "ingress" && intake !== "kafka") {
    throw new UsageError(`LOAD_INTAKE is ingress or kafka, not ${intake}.`);
  }
  return {
    events: readCount(env, "LOAD_EVENTS", 100_000, 1),
    clients: readCount(env, "LOAD_CLIENTS", 200, 1),
    rate: readCount(env, "LOAD_RATE", 0, 0),
    intake,
    isEmbedded: env["LOAD_EMBEDDED"] === "1",
  };
}

function readCount(env: Environment, name: string, otherwise: number, least: number): number {
  const text = env[name] || String(otherwise);
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= least) return count;
  throw new UsageError(`${name} is a whole number from ${least} on, not ${text}.`);
}
