/** Job (batch/v1): runs once, before everything else, and must end well. */
import { type Static } from "typebox";
import { pod } from "./container.ts";
import { closed, clusterOnly, count, optional } from "./field.ts";
import { head, templateMetadata } from "./metadata.ts";
import type { Resource } from "./resource.ts";

export const jobSpec = closed(
  {
    template: closed({ metadata: optional(templateMetadata), spec: pod }),
    backoffLimit: optional(count()),
    activeDeadlineSeconds: optional(count(1)),
    ttlSecondsAfterFinished: clusterOnly(),
  },
  [
    "backoffLimitPerIndex",
    "completionMode",
    "completions",
    "manualSelector",
    "parallelism",
    "podFailurePolicy",
    "podReplacementPolicy",
    "selector",
    "successPolicy",
    "suspend",
  ],
);

export const job = closed({ ...head("batch/v1", "Job"), spec: jobSpec });

export type Job = Resource<Static<typeof job>>;
