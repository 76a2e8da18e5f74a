/** The dapr.io annotations of a pod template. */
import { type Fault, fault } from "../fault.ts";
import type { FieldPath } from "../resource.ts";

const PREFIX = "dapr.io/";
const READ = ["enabled", "app-id", "app-port", "config", "env", "env-from-secret"];
/** Resources, probes, log levels and ports of the sidecar's container: the cluster's business. */
const CLUSTER_ONLY =
  /^(?:sidecar-|log-|metrics-port$|enable-metrics$|enable-api-logging$|enable-native-sidecar$|graceful-shutdown-seconds$|block-shutdown-duration$|disable-builtin-k8s-secret-store$)/;

type Annotations = Readonly<Record<string, string>>;

export interface SidecarAnnotations {
  appId: string;
  config: string | undefined;
  /** What `dapr.io/env` gives daprd, and envRef of Components reads. */
  env: Readonly<Record<string, string>>;
  /** `dapr.io/env-from-secret`, since Dapr 1.15. */
  envFromSecret: Readonly<Record<string, { name: string; key: string }>>;
}

/** Undefined where the pod has no sidecar. */
export function toSidecar(annotations: Annotations): SidecarAnnotations | undefined {
  if (annotations[`${PREFIX}enabled`] !== "true") return undefined;
  return {
    appId: annotations[`${PREFIX}app-id`] ?? "",
    config: annotations[`${PREFIX}config`],
    env: Object.fromEntries(pairsOf(annotations[`${PREFIX}env`] ?? "")),
    envFromSecret: Object.fromEntries(
      pairsOf(annotations[`${PREFIX}env-from-secret`] ?? "").map(([variable, secret]) => {
        const [name = "", key = name] = secret.split(":");
        return [variable, { name, key }];
      }),
    ),
  };
}

/** A comma that no `NAME=` follows belongs to the value: `KAFKA_BROKER=a:9092,b:9092`. */
const SEPARATOR = /,(?=\s*[A-Za-z_]\w*=)/;

const pairsOf = (text: string): [string, string][] =>
  text
    .split(SEPARATOR)
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
  for (const name of ["env", "env-from-secret"]) {
    const annotation = `${PREFIX}${name}`;
    const malformed = (annotations[annotation] ?? "A=b")
      .split(SEPARATOR)
      // Dapr's injector leaves out a pair with another number of = than one, without a word.
      .find((pair) => !/^\s*[A-Za-z_]\w*=[^=]*$/.test(pair));
    if (malformed !== undefined) {
      yield fault([...path, annotation], `${annotation}: "${malformed}" is no NAME=value`);
    }
  }
}
