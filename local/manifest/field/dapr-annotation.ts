/** The dapr.io annotations of a pod template. */
import { type Fault, fault } from "../fault.ts";
import type { FieldPath } from "../resource.ts";

const PREFIX = "dapr.io/";
const READ = ["enabled", "app-id", "app-port", "config", "env"];
/** Resources, probes, log levels and ports of the sidecar's container: the cluster's business. */
const CLUSTER_ONLY =
  /^(?:sidecar-|log-|metrics-port$|enable-metrics$|enable-api-logging$|enable-native-sidecar$|graceful-shutdown-seconds$|block-shutdown-duration$)/;

type Annotations = Readonly<Record<string, string>>;

export interface SidecarAnnotations {
  appId: string;
  config: string | undefined;
  /** What `dapr.io/env` gives daprd, and envRef of Components reads. */
  env: Readonly<Record<string, string>>;
}

/** Undefined where the pod has no sidecar. */
export function toSidecar(annotations: Annotations): SidecarAnnotations | undefined {
  if (annotations[`${PREFIX}enabled`] !== "true") return undefined;
  return {
    appId: annotations[`${PREFIX}app-id`] ?? "",
    config: annotations[`${PREFIX}config`],
    env: Object.fromEntries(pairsOf(annotations[`${PREFIX}env`] ?? "")),
  };
}

const pairsOf = (text: string): [string, string][] =>
  text
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "")
    .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);

export function* checkSidecar(annotations: Annotations, path: FieldPath): Iterable<Fault> {
  for (const annotation of Object.keys(annotations)) {
    const name = annotation.slice(PREFIX.length);
    if (!annotation.startsWith(PREFIX) || READ.includes(name) || CLUSTER_ONLY.test(name)) continue;
    yield fault([...path, annotation], `${annotation} is not supported by the local runner`);
  }
  if (toSidecar(annotations)?.appId === "") {
    yield fault(path, "dapr.io/app-id is missing");
  }
  const malformed = (annotations[`${PREFIX}env`] ?? "A=b")
    .split(",")
    .find((pair) => !/^\s*[A-Za-z_]\w*=/.test(pair));
  if (malformed !== undefined) {
    yield fault([...path, `${PREFIX}env`], `dapr.io/env: "${malformed}" is no NAME=value`);
  }
}
