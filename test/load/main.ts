/** `make load`: many events through the whole flow, to every function and to many WebSocket clients, measured and checked. */
import { openSession } from "../../cli/topic/session.ts";
import { UsageError } from "../../lib/host/error.ts";
import { startClients } from "./clients.ts";
import { userName } from "./event.ts";
import { type Flow, startFlow } from "./flow.ts";
import { type LoadOptions, readOptions } from "./option.ts";
import { type Measured, toChecks } from "./outcome.ts";
import { printChecks, printMachine, printMeasured } from "./print.ts";
import { nowMs, produceByIngress, produceByKafka } from "./produce.ts";
import { readRecorded } from "./recorded.ts";
import { Watch } from "./watch.ts";

/** From the first event on. */
const limitMs = 8 * 60_000;

async function main(): Promise<number> {
  const options = readOptions(process.env);
  const { events, clients, intake, isEmbedded } = options;
  const where = isEmbedded ? "the embedded parts" : "real Kafka, PostgreSQL, Redis and daprd";
  console.log(`${events} events by ${intake}, ${clients} WebSocket clients, on ${where}`);
  printMachine();
  await using flow = await startFlow(isEmbedded);
  const measured = await load(flow, options);
  printMeasured(measured);
  const checks = toChecks(measured);
  console.log();
  printChecks(checks);
  return checks.every(({ isTrue }) => isTrue) ? 0 : 1;
}

async function load({ runner, kafka }: Flow, options: LoadOptions): Promise<Measured> {
  const { events, clients: users, rate } = options;
  const tokens = await Promise.all(
    Array.from({ length: users }, (_, user) => runner.token(userName(user))),
  );
  const url = `ws://localhost:${runner.ports["websocket-gateway"]}/ws`;
  using clients = await startClients({ url, tokens, events });
  await using session = await openSession(kafka);
  using end = endBy(limitMs, "SIGINT", "SIGTERM");
  const { signal } = end;
  const frames = (): number => clients.frames;
  const watch = new Watch({ admin: session.admin, events, frames, say: console.log, signal });
  const sentAt = new Float64Array(events);
  const order = { events, users, rate, sentAt, signal };
  const producing =
    options.intake === "kafka"
      ? produceByKafka(kafka, order)
      : produceByIngress(runner.url("broker", "/default/task-events"), order);
  const [producedAt, watched] = await Promise.all([producing.then(nowMs), watch.run()]);

  const seen = await clients.finish();
  const recorded = await readRecorded(runner, events);
  const { dead_letters: letters } = await runner.json<{ dead_letters: unknown[] }>(
    "console",
    "/api/dead-letters?limit=1000",
  );
  return { events, sentAt, producedAt, recorded, seen, watched, deadLetters: letters.length };
}

interface End extends Disposable {
  readonly signal: AbortSignal;
}

/** By the clock, or by whoever has seen enough: what came so far is told. */
function endBy(ms: number, ...signals: readonly NodeJS.Signals[]): End {
  const end = new AbortController();
  const abort = (): void => end.abort();
  const timer = setTimeout(abort, ms);
  for (const signal of signals) process.once(signal, abort);
  return { signal: end.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
