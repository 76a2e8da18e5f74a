/** kustomization.yaml: which files count. */
import { Type, type Static } from "typebox";
import { closed, list, name } from "./field/closed.ts";

export const kustomization = closed(
  {
    apiVersion: Type.Literal("kustomize.config.k8s.io/v1beta1"),
    kind: Type.Literal("Kustomization"),
    resources: list(name()),
  },
  [
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "commonLabels",
    "components",
    "configMapGenerator",
    "crds",
    "generatorOptions",
    "generators",
    "helmCharts",
    "images",
    "labels",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "openapi",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "replicas",
    "secretGenerator",
    "sortOptions",
    "transformers",
    "validators",
    "vars",
  ],
);

export type Kustomization = Static<typeof kustomization>;
