/** What brings events to the functions: KafkaSources, Triggers, PingSources, and the CronJobs beside them. */
import type { Kafka } from "kafkajs";
import type { DoorOf } from "../knative/delivery/http-sender.ts";
import { startKafkaSource } from "../knative/kafka-source.ts";
import { startPingSource } from "../knative/ping-source.ts";
import { startTrigger } from "../knative/trigger.ts";
import type { Plan } from "../plan.ts";
import { startCronJob } from "../process/cron-job.ts";
import type { Report } from "../report.ts";
import { type CommandOptions, toCommand } from "./command.ts";

export interface Dispatching {
  plan: Plan;
  kafka: Kafka;
  report: Report;
  doorOf: DoorOf;
}

/** KafkaSources and Triggers. */
export function startDispatchers({ plan, ...options }: Dispatching): Promise<AsyncDisposable>[] {
  const sources = plan.kafkaSources.map((source) => startKafkaSource({ ...source, ...options }));
  const triggers = plan.triggers.map((trigger) => startTrigger({ ...trigger, ...options }));
  return [...sources, ...triggers];
}

export const startPingSources = (plan: Plan, report: Report): AsyncDisposable[] =>
  plan.pingSources.map((source) => startPingSource({ ...source, report }));

export const startCronJobs = (
  plan: Plan,
  command: CommandOptions,
  report: Report,
): AsyncDisposable[] =>
  plan.cronJobs.map(({ process, timeZone, ...cronJob }) =>
    startCronJob({
      ...cronJob,
      ...(timeZone === undefined ? {} : { timeZone }),
      process: toCommand(command, process, cronJob.name),
      note: report.note,
    }),
  );
