/** Service (serving.knative.dev/v1): a function that scales from and to zero. */
import { type Static } from "typebox";
import { checkAutoscaling } from "../field/autoscaling.ts";
import { checkPod, podFields, podNotSupported } from "../field/container.ts";
import { type Fault, fault } from "../fault.ts";
import { closed, count, optional } from "../field/closed.ts";
import { head, templateMetadata } from "../field/metadata.ts";
import type { TimeLimit } from "../../process/front/time-limit.ts";
import type { Resource } from "../resource.ts";

export const knativeService = closed({
  ...head("serving.knative.dev/v1", "Service"),
  spec: closed(
    {
      template: closed({
        metadata: optional(templateMetadata),
        spec: closed(
          {
            ...podFields,
            containerConcurrency: optional(count()),
            timeoutSeconds: optional(count()),
            responseStartTimeoutSeconds: optional(count()),
            idleTimeoutSeconds: optional(count()),
          },
          podNotSupported,
        ),
      }),
    },
    ["traffic"],
  ),
});

export type KnativeService = Resource<Static<typeof knativeService>>;

// Default and limits of Serving's own configuration (config-defaults).
const TIMEOUT_SECONDS = 300;
const MAX_TIMEOUT_SECONDS = 600;
const MAX_CONCURRENCY = 1_000;

export function* checkKnativeService({ metadata, spec }: KnativeService): Iterable<Fault> {
  const path = ["spec", "template", "spec"];
  const { timeoutSeconds = 0, containerConcurrency = 0 } = spec.template.spec;
  for (const annotation of Object.keys(metadata.annotations ?? {})) {
    if (annotation.startsWith("autoscaling.knative.dev/")) {
      yield fault(
        ["metadata", "annotations", annotation],
        `${annotation} belongs on spec.template.metadata, not on the Service`,
      );
    }
  }
  if (timeoutSeconds > MAX_TIMEOUT_SECONDS) {
    yield fault([...path, "timeoutSeconds"], "timeoutSeconds must not be above 600");
  }
  if (containerConcurrency > MAX_CONCURRENCY) {
    yield fault([...path, "containerConcurrency"], "containerConcurrency must not be above 1000");
  }
  yield* checkAutoscaling(spec.template.metadata?.annotations ?? {});
  yield* checkPod(spec.template.spec, path);
}

/** 0 is as if the field were not there. */
export function toTimeLimit(spec: KnativeService["spec"]["template"]["spec"]): TimeLimit {
  const { timeoutSeconds, responseStartTimeoutSeconds: start, idleTimeoutSeconds: idle } = spec;
  return {
    timeoutMs: (timeoutSeconds || TIMEOUT_SECONDS) * 1_000,
    ...(start ? { responseStartMs: start * 1_000 } : {}),
    ...(idle ? { idleMs: idle * 1_000 } : {}),
  };
}
