/** `make start`: runs the whole event flow on this machine until Ctrl-C. */
import { enableCompileCache } from "node:module";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { RetryableError, UsageError } from "../lib/host/error.ts";
import { metricsPortOf } from "./address.ts";
import { COMPILE_CACHE } from "./compile-cache.ts";
import { openLines } from "./lines.ts";
import type { Runner } from "./runner.ts";

const ROOT = join(import.meta.dirname, "..");
/** A shell's own codes for what ended by Ctrl-C, and for a person's mistake. */
const FORCED = 130;
const MISTAKE = 2;

/** A terminal and npm both pass on one Ctrl-C: only what comes later is a second one. */
const SAME_SIGNAL_MS = 500;

const { print, flush } = openLines((text) => process.stdout.write(text));
process.on("exit", flush);

async function main(): Promise<void> {
  const { root, sources, state } = new Command("make start")
    .description("Runs eventing/, knative/ and dapr-components/ on this machine.")
    .option("--root <dir>", "where eventing/, knative/ and dapr-components/ are", ROOT)
    .option("--sources <dir>", "where functions/ is", ROOT)
    .option("--state <dir>", "where everything is kept between runs", join(ROOT, ".state"))
    .parse()
    .opts<{ root: string; sources: string; state: string }>();
  const stop = onSignal();
  // Imported late, so that what it brings along comes from the cache.
  enableCompileCache(COMPILE_CACHE);
  const { startRunner } = await import("./runner.ts");
  await using runner = await startRunner({
    root,
    sources: resolve(sources),
    stateDir: state,
    env: process.env,
    log: print,
    signal: stop.signal,
  }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
    // Whatever failed while it was broken off, nobody wants to know.
    return undefined;
  });
  if (runner === undefined) return;
  printTable(runner, performance.now());
  await stop.asked;
}

interface Stop {
  readonly signal: AbortSignal;
  readonly asked: Promise<void>;
}

/** The first signal asks for a drained stop, the second ends at once: the functions end with their parent. */
function onSignal(): Stop {
  const stop = new AbortController();
  let askedAt: number | undefined;
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        const now = performance.now();
        if (askedAt !== undefined && now - askedAt > SAME_SIGNAL_MS) process.exit(FORCED);
        if (askedAt !== undefined) return;
        askedAt = now;
        print("stopping: what is in flight is finished (Ctrl-C again to force)");
        stop.abort();
        resolve();
      });
    }
  });
  return { signal: stop.signal, asked };
}

function printTable({ addresses, plan, ports }: Runner, ms: number): void {
  const { brokerUrl } = addresses;
  const rows = [
    ...plan.brokers.map(({ namespace, name }) => [
      `Broker ${name}`,
      `POST ${brokerUrl}/${namespace}/${name}`,
    ]),
    ...Object.entries(ports.services)
      .toSorted(([, a], [, b]) => a - b)
      .map(([name, port]) => [
        name,
        `${addresses.serviceUrl(name) ?? ""}  (metrics :${String(metricsPortOf(port))}/metrics)`,
      ]),
    ["Kafka", addresses.kafka],
    ["console", `http://127.0.0.1:${String(ports.console)}`],
  ].map(
    ([what = "", where = ""]) => `  ${what.padEnd(20)}  ${where.replace("127.0.0.1", "localhost")}`,
  );
  print(`ready in ${(ms / 1_000).toFixed(1)} s`);
  for (const row of rows) print(row);
}

// kafkajs computes a negative delay once under Node 24, without any harm; other warnings are shown.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name !== "TimeoutNegativeWarning") console.error(String(warning));
});

// Nobody reads any more (a closed terminal, `| head`): what runs is stopped all the same, in order.
process.stdout.on("error", () => undefined);

try {
  await main();
  process.exit(0);
} catch (error) {
  flush();
  const mistake = mistakeOf(error);
  console.error(mistake ?? (error instanceof RetryableError ? error.message : error));
  process.exit(mistake === undefined ? 1 : MISTAKE);
}

function mistakeOf(error: unknown): string | undefined {
  if (error instanceof UsageError) return error.message;
  const { code, port } = error as { code?: unknown; port?: unknown };
  return code === "EADDRINUSE"
    ? `Port ${String(port)} was taken while all this started.`
    : undefined;
}
