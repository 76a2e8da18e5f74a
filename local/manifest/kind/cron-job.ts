/** CronJob (batch/v1). */
import { type Static } from "typebox";
import { type Fault, fault } from "../fault.ts";
import { closed, clusterOnly, name, oneOf, optional } from "../field/closed.ts";
import { checkJobSpec, jobSpec } from "./job.ts";
import { head, templateMetadata } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";
import { isTimeZone, scheduleFault } from "../field/schedule.ts";

export const cronJob = closed({
  ...head("batch/v1", "CronJob"),
  spec: closed(
    {
      schedule: name(),
      timeZone: optional(name()),
      concurrencyPolicy: optional(oneOf("Allow", "Forbid", "Replace")),
      jobTemplate: closed({ metadata: optional(templateMetadata), spec: jobSpec }),
      successfulJobsHistoryLimit: clusterOnly(),
      failedJobsHistoryLimit: clusterOnly(),
    },
    ["startingDeadlineSeconds", "suspend"],
  ),
});

export type CronJob = Resource<Static<typeof cronJob>>;

export function* checkCronJob({ spec }: CronJob): Iterable<Fault> {
  const wrong = scheduleFault(spec.schedule, [5]);
  if (wrong !== null) {
    yield fault(["spec", "schedule"], `schedule "${spec.schedule}" is no cron schedule: ${wrong}`);
  }
  if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
    yield fault(["spec", "timeZone"], `timeZone "${spec.timeZone}" is no IANA time zone`);
  }
  yield* checkJobSpec(spec.jobTemplate.spec, ["spec", "jobTemplate", "spec"]);
}
