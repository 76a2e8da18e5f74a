/** PingSource (sources.knative.dev/v1). */
import { type Static } from "typebox";
import { destination } from "./delivery.ts";
import { closed, optional, text } from "./field.ts";
import { head } from "./metadata.ts";
import type { Resource } from "./resource.ts";

export const pingSource = closed({
  ...head("sources.knative.dev/v1", "PingSource"),
  spec: closed(
    {
      schedule: optional(text()),
      timezone: optional(text()),
      contentType: optional(text()),
      data: optional(text()),
      dataBase64: optional(text()),
      sink: destination,
    },
    ["ceOverrides"],
  ),
});

export type PingSource = Resource<Static<typeof pingSource>>;
