/** ConfigMap (v1). */
import { type Static } from "typebox";
import { closed, clusterOnly, optional, textMap } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

export const configMap = closed(
  { ...head("v1", "ConfigMap"), data: optional(textMap()), immutable: clusterOnly() },
  ["binaryData"],
);

export type ConfigMap = Resource<Static<typeof configMap>>;
