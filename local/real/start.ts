/** `make start-real`: the flow of `make start` on real servers, until Ctrl-C. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { UsageError } from "../../lib/host/error.ts";
import { isPortFree } from "../process/replica/free-port.ts";
import { readEnvironment } from "../secret.ts";
import { lockState } from "../start/state-lock.ts";
import { partsFolder } from "./cache.ts";
import { guardProcess } from "./guard.ts";
import { installParts } from "./install.ts";
import { type RealServers, startServers } from "./servers.ts";

const ROOT = join(import.meta.dirname, "../..");
/** A shell's own codes for what ended by Ctrl-C, and for a person's mistake. */
const FORCED = 130;
const MISTAKE = 2;
const KAFKA_PORT = 9092;

const print = (line: string): void => console.log(line);

async function main(): Promise<number> {
  const { root, sources, state } = new Command("make start-real")
    .description("Runs the flow on real Kafka, PostgreSQL, Redis and daprd, on this machine.")
    .option("--root <dir>", "where eventing/, knative/ and dapr-components/ are", ROOT)
    .option("--sources <dir>", "where functions/ is", ROOT)
    .option("--state <dir>", "where everything is kept", join(ROOT, ".state", "real"))
    .parse()
    .opts<{ root: string; sources: string; state: string }>();
  const env = readEnvironment(root, process.env);
  const parts = await installParts(partsFolder(env), print);
  const dataDir = resolve(state, "server");
  using _ = lockState(dataDir);
  const kafkaPort = Number(env["KAFKA_PORT"] || KAFKA_PORT);
  if (!env["KAFKA_BROKER"]) await requireKafkaPort(kafkaPort);
  const stop = onSignal();
  await using servers = await startServers({ parts, dataDir, env, kafkaPort });
  printServers(servers);
  if (stop.asked) return 0;
  return await runFlow(["--root", root, "--sources", sources, "--state", state], servers, stop);
}

async function requireKafkaPort(port: number): Promise<void> {
  if (await isPortFree(port)) return;
  throw new UsageError(
    `Port ${String(port)} (Kafka) is taken: stop what listens there, or choose another, e.g. KAFKA_PORT=${String(port + 10_000)} make start-real`,
  );
}

function printServers({ kafka, postgres, redis, variables }: RealServers): void {
  const rows = [
    ["Kafka", kafka?.address ?? "the one of KAFKA_BROKER"],
    ["PostgreSQL", postgres?.url.replace(/:[^:@/]*@/, "@") ?? "the one of DATABASE_URL"],
    ["Redis", redis?.address ?? "the one of REDIS_URL"],
    ["daprd", variables["DAPRD"] ?? ""],
  ];
  for (const [what = "", where = ""] of rows) print(`  ${what.padEnd(20)}  ${where}`);
}

interface Stop {
  asked: boolean;
  /** Who hears of each signal; without anybody the second one ends all at once. */
  hear: ((signal: NodeJS.Signals) => void) | undefined;
}

function onSignal(): Stop {
  const stop: Stop = { asked: false, hear: undefined };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stop.hear !== undefined) stop.hear(signal);
      else if (stop.asked) process.exit(FORCED);
      stop.asked = true;
    });
  }
  return stop;
}

/** `make start` with these servers. What it needs is stopped only after it. */
async function runFlow(
  options: readonly string[],
  { variables }: RealServers,
  stop: Stop,
): Promise<number> {
  const main = join(ROOT, "local", "main.ts");
  const child = spawn(process.execPath, [...process.execArgv, main, ...options], {
    env: { ...process.env, ...variables },
    stdio: "inherit",
  });
  const ended = once(child, "exit") as Promise<[number | null]>;
  // Without its servers it would only drain in vain, and hold its state while the next start wants it.
  using _ = guardProcess(child.pid ?? 0, "SIGKILL");
  // A terminal's Ctrl-C reaches it anyway; it takes the two for one.
  stop.hear = (signal) => void child.kill(signal);
  const [code] = await ended;
  stop.hear = undefined;
  return code ?? 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = MISTAKE;
}
