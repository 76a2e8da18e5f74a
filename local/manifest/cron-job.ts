/** CronJob (batch/v1). */
import { type Static } from "typebox";
import { closed, clusterOnly, name, oneOf, optional } from "./field.ts";
import { jobSpec } from "./job.ts";
import { head, templateMetadata } from "./metadata.ts";
import type { Resource } from "./resource.ts";

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
