/** The Jobs, before anything that needs what they make. */
import { dirname } from "node:path";
import type { Kafka } from "kafkajs";
import { RetryableError } from "../../lib/host/error.ts";
import { ManifestError } from "../manifest/error.ts";
import type { Place } from "../manifest/resource.ts";
import type { JobPlan, Plan } from "../plan.ts";
import { runJob } from "../process/job.ts";
import type { Note } from "../process/note/note.ts";
import { type CommandOptions, toCommand } from "./command.ts";

export interface JobsOptions {
  plan: Plan;
  command: CommandOptions;
  kafka: Kafka;
  note: Note;
}

export interface RunningJobs {
  /** The functions' tables are there. */
  migrated: Promise<void>;
  /** Everything else too, and the topics of all sources. */
  done: Promise<void>;
}

/** Begins at once. The stack ends what is not done by then. */
export function startJobs(stack: AsyncDisposableStack, options: JobsOptions): RunningJobs {
  const { plan, kafka } = options;
  const stopping = new AbortController();
  const run = (job: JobPlan) => runOne(job, options, stopping.signal);
  // As in the cluster, where nothing waits for a Job. What cannot do without it (a topic, a table) says so itself.
  const goOn = (error: unknown) => {
    if (!(error instanceof RetryableError)) throw error;
    options.note("Job", `${error.message}. The next start tries again`, "error");
  };
  const migrations = plan.migrations.map((job) => ({ job, ran: run(job) }));
  const migrated = allOf(migrations.map(({ ran }) => ran));
  const jobs = plan.jobs.map(async (job) => {
    const own = migrations.filter((it) => folderOf(it.job) === folderOf(job));
    await (own.length > 0 ? allOf(own.map(({ ran }) => ran)) : migrated);
    if (!stopping.signal.aborted) await run(job).catch(goOn);
  });
  const done = allOf([migrated, ...jobs]).then(() => requireTopics(plan, kafka));
  stack.defer(async () => {
    stopping.abort();
    await Promise.allSettled([...migrations.map(({ ran }) => ran), ...jobs, done]);
  });
  // Whoever waits for the one hears of the other too late.
  for (const it of [migrated, done]) it.catch(() => undefined);
  return { migrated, done };
}

/** A Job of a function waits for the migrations of that function alone. */
const folderOf = ({ process }: JobPlan): string => dirname(process.entry);

async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  await Promise.all(promises);
}

const runOne = (
  { name, process, retries, timeoutMs }: JobPlan,
  { command, note }: JobsOptions,
  signal: AbortSignal,
): Promise<void> =>
  runJob({
    process: toCommand(command, process, name),
    // In the cluster a Job waits for its database by its retries; here that runs already.
    retries: Math.min(retries, 1),
    note,
    signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });

/** As in the cluster, where a source or Broker of a missing topic never becomes ready. */
async function requireTopics(plan: Plan, kafka: Kafka): Promise<void> {
  const problems = (await missingTopics(plan, kafka)).map(({ topic, at }) => ({
    ...at,
    sentence: `there is no topic ${topic} in Kafka`,
  }));
  if (problems.length > 0) throw new ManifestError(problems);
}

/** Topics of sources, and those of others that Brokers are on, which Kafka does not have. */
async function missingTopics(plan: Plan, kafka: Kafka): Promise<{ topic: string; at: Place }[]> {
  const admin = kafka.admin();
  await admin.connect();
  const existing = await admin.listTopics();
  await admin.disconnect();
  const wanted = [
    ...plan.kafkaSources.flatMap(({ source, at }) => source.topics.map((topic) => ({ topic, at }))),
    ...plan.brokers.filter(({ made }) => made === undefined),
  ];
  return wanted.filter(({ topic }) => !existing.includes(topic));
}
