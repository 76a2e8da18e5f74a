/** Job (batch/v1): runs once, before everything else, and must end well. */
import { type Static } from "typebox";
import { checkPod, pod } from "../field/container.ts";
import type { Fault } from "../fault.ts";
import { closed, clusterOnly, count, optional } from "../field/closed.ts";
import { head, templateMetadata } from "../field/metadata.ts";
import type { FieldPath } from "../resource.ts";
import type { Resource } from "../resource.ts";

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

export type JobSpec = Static<typeof jobSpec>;

export const checkJob = ({ spec }: Job): Iterable<Fault> => checkJobSpec(spec, ["spec"]);

export const checkJobSpec = (spec: JobSpec, path: FieldPath): Iterable<Fault> =>
  checkPod(spec.template.spec, [...path, "template", "spec"]);
