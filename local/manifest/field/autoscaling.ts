/** The autoscaling annotations of a revision template, read as Knative's pod autoscaler does. */
import { goDurationMs } from "./duration.ts";
import { type Fault, fault } from "../fault.ts";

const PREFIX = "autoscaling.knative.dev/";
const WHOLE_NUMBERS = ["min-scale", "max-scale", "target"];
const DURATIONS = ["window", "scale-to-zero-pod-retention-period"];
/** Name to the one value that is done. */
const FIXED = new Map([
  ["class", "kpa.autoscaling.knative.dev"],
  ["metric", "concurrency"],
]);
const CLUSTER_ONLY = ["target-burst-capacity", "initial-scale"];
const NOT_SUPPORTED = [
  "activation-scale",
  "panic-threshold-percentage",
  "panic-window-percentage",
  "scale-down-delay",
  "target-utilization-percentage",
];
const MIN_WINDOW_MS = 6_000;
const MAX_WINDOW_MS = 3_600_000;
/** scale-to-zero-grace-period of config-autoscaler. */
const GRACE_MS = 30_000;

type Annotations = Readonly<Record<string, string>>;

export function toScale(annotations: Annotations) {
  const read = (name: string, otherwise: string) => annotations[PREFIX + name] ?? otherwise;
  return {
    min: Number(read("min-scale", "0")),
    max: Number(read("max-scale", "0")),
    target: Number(read("target", "100")),
    windowMs: goDurationMs(read("window", "60s")) ?? 0,
    retentionMs: Math.max(
      GRACE_MS,
      goDurationMs(read("scale-to-zero-pod-retention-period", "0s")) ?? 0,
    ),
  };
}

export function* checkAutoscaling(annotations: Annotations): Iterable<Fault> {
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(PREFIX)) continue;
    const wrong = faultOf(annotation.slice(PREFIX.length), value);
    if (wrong !== null) yield fault(pathOf(annotation), `${annotation} ${wrong}`);
  }
  const { min, max } = toScale(annotations);
  if (max > 0 && min > max) {
    yield fault(
      pathOf(`${PREFIX}min-scale`),
      `min-scale ${String(min)} is above max-scale ${String(max)}`,
    );
  }
}

const pathOf = (annotation: string) => ["spec", "template", "metadata", "annotations", annotation];

function faultOf(name: string, value: string): string | null {
  if (WHOLE_NUMBERS.includes(name)) {
    return /^\d+$/.test(value) ? null : `must be a whole number, not "${value}"`;
  }
  if (DURATIONS.includes(name)) return durationFault(name, value);
  const only = FIXED.get(name);
  if (only !== undefined) {
    return value === only ? null : `is not supported by the local runner, other than as ${only}`;
  }
  if (CLUSTER_ONLY.includes(name)) return null;
  if (NOT_SUPPORTED.includes(name)) return "is not supported by the local runner";
  return "is unknown";
}

function durationFault(name: string, value: string): string | null {
  const ms = goDurationMs(value);
  if (ms === null) return `must be a duration like 60s, not "${value}"`;
  const tooLong = ms > MAX_WINDOW_MS || (name === "window" && ms < MIN_WINDOW_MS);
  return tooLong ? `must lie between ${name === "window" ? "6s" : "0s"} and 1h` : null;
}
