/** StatefulSet (apps/v1): pods that are always on, with stable names. */
import { type Static } from "typebox";
import { pod } from "./container.ts";
import { closed, clusterOnly, count, name, optional, textMap } from "./field.ts";
import { head, templateMetadata } from "./metadata.ts";
import type { Resource } from "./resource.ts";

export const statefulSet = closed({
  ...head("apps/v1", "StatefulSet"),
  spec: closed(
    {
      serviceName: name(),
      replicas: optional(count()),
      selector: closed({ matchLabels: textMap() }, ["matchExpressions"]),
      template: closed({ metadata: optional(templateMetadata), spec: pod }),
      podManagementPolicy: clusterOnly(),
      updateStrategy: clusterOnly(),
      minReadySeconds: clusterOnly(),
      revisionHistoryLimit: clusterOnly(),
    },
    ["ordinals", "persistentVolumeClaimRetentionPolicy", "volumeClaimTemplates"],
  ),
});

export type StatefulSet = Resource<Static<typeof statefulSet>>;
