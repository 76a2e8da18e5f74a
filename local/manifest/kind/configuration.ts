/** Dapr Configuration (dapr.io/v1alpha1): the part that changes nothing about what the gateway gets. */
import { Type, type Static } from "typebox";
import { closed, optional, text } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

const metric = closed({ enabled: Type.Boolean() }, [
  "http",
  "latencyDistributionBuckets",
  "recordErrorCodes",
  "rules",
]);

export const configuration = closed({
  ...head("dapr.io/v1alpha1", "Configuration"),
  spec: closed(
    {
      metric: optional(metric),
      metrics: optional(metric),
      tracing: optional(closed({ samplingRate: text() }, ["otel", "stdout", "zipkin"])),
    },
    [
      "accessControl",
      "api",
      "appHttpPipeline",
      "components",
      "features",
      "httpPipeline",
      "logging",
      "mtls",
      "nameResolution",
      "secrets",
      "wasm",
      "workflow",
    ],
  ),
});

export type Configuration = Resource<Static<typeof configuration>>;
