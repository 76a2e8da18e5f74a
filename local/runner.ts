/** The local runner: reads the YAML, then starts what it says, part by part; stopped in reverse. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Addresses, type Ports, readPorts, toAddresses } from "./address.ts";
import { startIngress } from "./knative/ingress.ts";
import { ManifestError, type Problem } from "./manifest/error.ts";
import { readManifest } from "./manifest/read.ts";
import { type Plan, serviceNames, toPlan } from "./plan.ts";
import { Planning } from "./plan/planning.ts";
import { endOrphans } from "./process/replica/orphan.ts";
import type { RunningService } from "./process/service.ts";
import { createReport } from "./report.ts";
import { type Environment, readEnvironment } from "./secret.ts";
import { inParallel, startAll } from "./start/all.ts";
import { breakableBy } from "./start/breakable.ts";
import { makeBrokerTopics } from "./start/broker.ts";
import { openConsole, tokenSigner } from "./start/console.ts";
import { doorsOf, startServices, startStatefulSets } from "./start/function.ts";
import { startJobs } from "./start/job.ts";
import { lockState } from "./start/state-lock.ts";
import { readKafka } from "./start/server/kafka.ts";
import { type Servers, startParts } from "./start/server/part.ts";
import { checkPorts, requireFreePorts } from "./start/port.ts";
import { startRecipients } from "./start/recipient.ts";
import { readRedis } from "./start/server/redis.ts";
import { readDaprd } from "./start/server/sidecar.ts";
import { startCronJobs, startDispatchers, startPingSources } from "./start/source.ts";

export interface RunnerOptions {
  /** Where `eventing/`, `knative/`, `dapr-components/` and `.env` are. */
  root: string;
  /** Where `functions/` is: these sources, unless a test brings functions of its own. */
  sources?: string;
  stateDir: string;
  /** In place of the table's and the environment's. Not 0: they are written into environments before anything listens. */
  ports?: Ports;
  env: Environment;
  /** Prints one line. */
  log: (line: string) => void;
  /** Breaks the start off: what was started is stopped, then the start rejects with the signal's reason. */
  signal?: AbortSignal;
}

const SOURCES = join(import.meta.dirname, "..");

export interface Runner extends AsyncDisposable {
  readonly addresses: Addresses;
  readonly ports: Ports;
  readonly plan: Plan;
}

export interface Prepared {
  plan: Plan;
  ports: Ports;
  addresses: Addresses;
  servers: Servers;
  env: Environment;
  warnings: readonly Problem[];
}

/** Everything that can be wrong without anything started. Throws a ManifestError with all of it. */
export function prepare(options: RunnerOptions): Prepared {
  const { root, sources = SOURCES, env: given, ports: chosen } = options;
  const env = readEnvironment(root, given);
  const { manifest, problems, warnings } = readManifest(root);
  if (problems.length > 0) throw new ManifestError(problems);
  const ports = chosen ?? readPorts(serviceNames(manifest), env);
  checkPorts(ports, { kafka: !env["KAFKA_BROKER"] });
  const redis = readRedis(env);
  const addresses = { ...toAddresses(ports, env["KAFKA_BROKER"]), redis: redis?.host };
  const servers = { kafka: readKafka(env, addresses.kafka), redis };
  readDaprd(env, servers);
  const planning = new Planning({
    manifest,
    addresses,
    env,
    exists: (path) => existsSync(join(sources, path)),
    absolute: (path) => join(sources, path),
  });
  const plan = toPlan(manifest, planning);
  if (planning.problems.length > 0) throw new ManifestError(planning.problems);
  return { plan, ports, addresses, servers, env, warnings };
}

export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const root = resolve(options.root);
  const stateDir = resolve(options.stateDir);
  const { plan, ports, addresses, servers, env, warnings } = prepare({ ...options, root });
  const report = createReport({ print: options.log });
  const { note } = report;
  for (const { file, line, sentence } of warnings)
    note(`${file}:${String(line)}`, sentence, "warning");

  await using starting = new AsyncDisposableStack();
  starting.use(lockState(stateDir));
  await endOrphans(stateDir);
  await requireFreePorts(ports, { kafka: !env["KAFKA_BROKER"] });

  const parts = await startParts(starting, { stateDir, ports, servers, env, note });
  const { kafka, secrets } = parts;
  const command = { sources: options.sources ?? SOURCES, stateDir, env, secrets };
  const until = breakableBy(options.signal);
  const jobs = startJobs(starting, { plan, command, kafka, note });

  const { brokers, sinks } = plan;
  await makeBrokerTopics(brokers, kafka);
  starting.use(await startIngress({ brokers, sinks, kafka, port: ports.broker, report }));
  starting.use(await openConsole({ plan, ports, parts, env, report }));
  const functions = { plan, ports, command, servers, root, note };
  const started: RunningService[] = [];
  await inParallel(
    async () => {
      // A Job may make a topic, or make it again: what a gateway had read of it would be of another one.
      await until(jobs.done);
      const gateways = await startAll(starting, startStatefulSets(functions));
      started.push(...gateways);
      await until(Promise.all(gateways.map((gateway) => gateway.wake())));
    },
    async () => {
      await until(jobs.migrated);
      started.push(...(await startAll(starting, startServices(functions))));
      const url = addresses.serviceUrl("notification");
      const tokens = tokenSigner(env, secrets);
      const recipients = startRecipients(starting, { url, tokens, stateDir, note });
      await until(Promise.all([recipients.putOrLate, jobs.done]));
    },
  );

  // Last, so that what was left over from the run before is delivered when everything stands.
  await startAll(starting, startDispatchers({ plan, kafka, report, doorOf: doorsOf(started) }));
  for (const source of startPingSources(plan, report)) starting.use(source);
  for (const cronJob of startCronJobs(plan, command, report)) starting.use(cronJob);

  const running = starting.move();
  return {
    addresses,
    ports,
    plan,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
