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

/** Migrations first: the others may need their tables. */
export async function runJobs({ plan, command, kafka, note }: JobsOptions): Promise<void> {
  const runAll = async (jobs: readonly JobPlan[]): Promise<void> => {
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
  };
  await runAll(plan.migrations);
  await runAll(plan.jobs);
  await requireTopics(plan, kafka);
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
