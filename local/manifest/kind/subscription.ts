/** Dapr Subscription (dapr.io/v2alpha1). */
import { type Fault, fault } from "../fault.ts";
import { type Static } from "typebox";
import { closed, list, name, optional, textMap } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

export const subscription = closed({
  ...head("dapr.io/v2alpha1", "Subscription"),
  spec: closed(
    {
      pubsubname: name(),
      topic: name(),
      routes: closed({ default: name() }, ["rules"]),
      deadLetterTopic: optional(name()),
      metadata: optional(textMap()),
    },
    ["bulkSubscribe"],
  ),
  scopes: optional(list(name())),
});

export type Subscription = Resource<Static<typeof subscription>>;

export function* checkSubscription({ spec }: Subscription): Iterable<Fault> {
  for (const [key, value] of Object.entries(spec.metadata ?? {})) {
    const path = ["spec", "metadata", key];
    if (key !== "rawPayload") {
      yield fault(path, `metadata ${key} is not supported by the local runner`);
    } else if (value !== "true") {
      yield fault(path, 'rawPayload other than "true" is not supported by the local runner');
    }
  }
  if (spec.metadata?.["rawPayload"] === undefined) {
    yield fault(["spec"], "a Subscription without rawPayload is not supported by the local runner");
  }
  if (!spec.routes.default.startsWith("/")) {
    yield fault(["spec", "routes", "default"], "a route must begin with /");
  }
}
