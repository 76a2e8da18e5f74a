/** Service (serving.knative.dev/v1): a function that scales from and to zero. */
import { type Static } from "typebox";
import { podFields, podNotSupported } from "./container.ts";
import { closed, count, optional } from "./field.ts";
import { head, templateMetadata } from "./metadata.ts";
import type { Resource } from "./resource.ts";

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
          },
          [...podNotSupported, "idleTimeoutSeconds", "responseStartTimeoutSeconds"],
        ),
      }),
    },
    ["traffic"],
  ),
});

export type KnativeService = Resource<Static<typeof knativeService>>;
