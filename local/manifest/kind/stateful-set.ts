/** StatefulSet (apps/v1): pods that are always on, with stable names. */
import { type Static } from "typebox";
import { checkPod, pod } from "../field/container.ts";
import { checkSidecar } from "../field/dapr-annotation.ts";
import { type Fault, fault } from "../fault.ts";
import { closed, clusterOnly, count, name, optional, textMap } from "../field/closed.ts";
import { head, templateMetadata } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

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

export function* checkStatefulSet({ spec }: StatefulSet): Iterable<Fault> {
  const { metadata, spec: podSpec } = spec.template;
  const path = ["spec", "template"];
  for (const [label, value] of Object.entries(spec.selector.matchLabels)) {
    if (metadata?.labels?.[label] !== value) {
      yield fault(
        ["spec", "selector", "matchLabels", label],
        `the selector wants ${label}: ${value}, which the template's labels do not have`,
      );
    }
  }
  yield* checkSidecar(metadata?.annotations ?? {}, [...path, "metadata", "annotations"]);
  yield* checkPod(podSpec, [...path, "spec"]);
}
