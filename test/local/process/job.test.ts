/** Jobs and CronJobs: done at exit code 0, a sentence for a person's mistake, repeated as often as the YAML says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startCronJob, type CronJobOptions } from "../../../local/process/cron-job.ts";
import type { FunctionCommand } from "../../../local/process/replica/function-process.ts";
import { runJob } from "../../../local/process/job.ts";
import { fixtureCommand, keepNotes, temporaryFolder } from "./fixture/command.ts";

const { note, notes } = keepNotes();

/** Its script has `folder`, and `runs`: how many there were with this one. */
function scriptCommand(script: string): FunctionCommand & { runs: () => number; folder: string } {
  const folder = join(temporaryFolder(), "job");
  mkdirSync(folder);
  const entry = join(folder, "job.ts");
  const file = JSON.stringify(join(folder, "runs"));
  writeFileSync(
    entry,
    `import { appendFileSync, readFileSync } from "node:fs";
    appendFileSync(${file}, "x");
    const runs = readFileSync(${file}, "utf8").length;
    ${script}`,
  );
  const runs = () =>
    existsSync(join(folder, "runs")) ? readFileSync(join(folder, "runs"), "utf8").length : 0;
  return { ...fixtureCommand({ name: "job", entry, cwd: folder }), runs, folder };
}

it("is done when the process ends with 0", async () => {
  const process = scriptCommand("");
  await runJob({ process, retries: 0, note });
  expect(process.runs()).toBe(1);
});

it("is repeated as often as backoffLimit says, then fails with what it said and where its log is", async () => {
  const works = scriptCommand("process.exit(runs < 3 ? 1 : 0);");
  await runJob({ process: works, retries: 2, note });
  expect(works.runs()).toBe(3);
  const fails = scriptCommand(`console.error("no luck"); process.exit(1);`);
  const failed = runJob({ process: fails, retries: 1, note });
  await expect(failed).rejects.toThrow(
    /^job ended with exit code 1: no luck \(more in .*job\.log\)$/,
  );
  expect(fails.runs()).toBe(2);
});

it("fails at once with the sentence of exit code 2: repeating does not mend a person's mistake", async () => {
  const process = scriptCommand(`console.error("KAFKA_TOPIC is missing"); process.exit(2);`);
  await expect(runJob({ process, retries: 5, note })).rejects.toMatchObject({
    name: "UsageError",
    message: "job: KAFKA_TOPIC is missing",
  });
  expect(process.runs()).toBe(1);
});

it("is ended at its deadline", async () => {
  const process = scriptCommand("setInterval(() => {}, 1000);");
  const late = runJob({ process, retries: 0, timeoutMs: 300, note });
  await expect(late).rejects.toThrow("ended with SIGTERM");
});

const cron = (process: FunctionCommand, over: Partial<CronJobOptions> = {}) =>
  startCronJob({
    name: "cron",
    schedule: "0 0 1 1 *",
    concurrencyPolicy: "Forbid",
    retries: 0,
    process,
    note,
    ...over,
  });

it("does not run twice at once where that is forbidden, and ends its run when it is stopped", async () => {
  const process = scriptCommand("setInterval(() => {}, 1000);");
  const cronJob = cron(process);
  void cronJob.run();
  await expect.poll(process.runs, { timeout: 5_000 }).toBe(1);
  await cronJob.run();
  expect(process.runs()).toBe(1);
  await cronJob[Symbol.asyncDispose]();
});

it("replaces a run by the next one where it is to", async () => {
  const process = scriptCommand("if (runs === 1) setInterval(() => {}, 1000);");
  await using cronJob = cron(process, { concurrencyPolicy: "Replace" });
  const first = cronJob.run();
  await expect.poll(process.runs, { timeout: 5_000 }).toBe(1);
  await cronJob.run();
  await first;
  expect(process.runs()).toBe(2);
});

it("says that a run failed, and goes on", async () => {
  const process = scriptCommand(`console.error("no topic"); process.exit(1);`);
  await using cronJob = cron(process);
  await cronJob.run();
  expect(notes.join()).toContain("cron: job ended with exit code 1: no topic");
});
