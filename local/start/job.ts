/** The Jobs, before anything that needs what they make. */
import type { Kafka } from "kafkajs";
import { ManifestError } from "../manifest/error.ts";
import type { JobPlan, Plan } from "../plan.ts";
import { runJob } from "../process/job.ts";
import type { Note } from "../process/note.ts";
import { type CommandOptions, toCommand } from "./command.ts";

export interface JobsOptions {
  plan: Plan;
  command: CommandOptions;
  kafka: Kafka;
  note: Note;
}

/** Before all else: the others, and the functions, need their tables. */
export const runMigrations = (options: JobsOptions): Promise<void> =>
  runAll(options.plan.migrations, options);

/** The rest, which makes the topics; a source of a topic that is not there then is a mistake. */
export async function runJobs(options: JobsOptions): Promise<void> {
  await runAll(options.plan.jobs, options);
  await requireTopics(options.plan, options.kafka);
}

async function runAll(jobs: readonly JobPlan[], { command, note }: JobsOptions): Promise<void> {
  const runs = jobs.map(({ name, process, retries, timeoutMs }) =>
    runJob({
      process: toCommand(command, process, name),
      // In the cluster a Job waits for its database by its retries; here that runs already.
      retries: Math.min(retries, 1),
      note,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    }),
  );
  await Promise.all(runs);
}

/** As in the cluster, where a source of a missing topic never becomes ready. */
async function requireTopics(plan: Plan, kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const existing = await admin.listTopics();
  await admin.disconnect();
  const problems = plan.kafkaSources.flatMap(({ source, at }) =>
    source.topics
      .filter((topic) => !existing.includes(topic))
      .map((topic) => ({ ...at, sentence: `there is no topic ${topic} in Kafka` })),
  );
  if (problems.length > 0) throw new ManifestError(problems);
}
