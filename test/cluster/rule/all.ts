/** Every rule that the schemas do not know, in one list. */
import type { Resource } from "../resource.ts";
import { checkConsumers } from "./consumer.ts";
import { checkDapr } from "./dapr.ts";
import { checkDeliveries } from "./delivery.ts";
import { checkLabels } from "./label.ts";
import { checkReferences } from "./reference.ts";
import { checkVariables } from "./variable.ts";
import { checkWebhooks } from "./webhook.ts";

/** A sentence for each mistake. `given`: what is put into the cluster by hand, `Secret/<name>` and `Secret/<name>:<key>`. */
export const mistakesIn = (
  resources: readonly Resource[],
  given: ReadonlySet<string> = new Set(),
): string[] => [
  ...checkWebhooks(resources),
  ...checkDeliveries(resources),
  ...checkConsumers(resources),
  ...checkReferences(resources, given),
  ...checkDapr(resources),
  ...checkLabels(resources),
  ...checkVariables(resources),
];
