/** The autoscaling annotations of a revision template, read and checked as Serving's pkg/apis/autoscaling does. */
import type { Scale } from "../../process/scale/scale.ts";
import { type Fault, fault } from "../fault.ts";
import { goDurationMs } from "./duration.ts";

const PREFIX = "autoscaling.knative.dev/";
const SECOND_MS = 1_000;
const MIN_WINDOW_MS = 6_000;
const MAX_WINDOW_MS = 3_600_000;
const MIN_TARGET = 0.01;

/** Defaults of config-autoscaler. */
const CLUSTER = {
  target: { concurrency: 100, rps: 200 },
  utilizationPercent: 70,
  burst: 211,
  panicWindowPercent: 10,
  panicThresholdPercent: 200,
};

type Annotations = Readonly<Record<string, string>>;

/** `concurrency`: the `containerConcurrency` beside them. Of annotations that `checkAutoscaling` accepts. */
export function toScale(annotations: Annotations, concurrency: number): Scale {
  const text = (name: string) => annotations[PREFIX + name];
  const number = (name: string, otherwise: number) => Number(text(name) ?? otherwise);
  const duration = (name: string, otherwise: string) => goDurationMs(text(name) ?? otherwise) ?? 0;
  const metric = text("metric") === "rps" ? "rps" : "concurrency";
  const windowMs = duration("window", "60s");
  const panicShare = number("panic-window-percentage", CLUSTER.panicWindowPercent) / 100;
  const total = totalOf(text("target"), metric, concurrency);
  const utilization = number("target-utilization-percentage", CLUSTER.utilizationPercent) / 100;
  return {
    min: number("min-scale", 0),
    max: number("max-scale", 0),
    // Here a revision counts as deployed long ago, so that a start does not wake every function.
    initial: number("initial-scale", 0),
    activation: number("activation-scale", 0),
    metric,
    aggregation: (text("metric-aggregation-algorithm") ?? "").startsWith("weighted")
      ? "weighted-exponential"
      : "linear",
    concurrency,
    total,
    target: Math.max(MIN_TARGET, total * utilization),
    burst: number("target-burst-capacity", CLUSTER.burst),
    windowMs,
    panicWindowMs: Math.max(SECOND_MS, toSecond(windowMs * panicShare)),
    panicThreshold: number("panic-threshold-percentage", CLUSTER.panicThresholdPercent) / 100,
    scaleDownDelayMs: duration("scale-down-delay", "0s"),
    retentionMs: duration("scale-to-zero-pod-retention-period", "0s"),
  };
}

function totalOf(target: string | undefined, metric: Scale["metric"], concurrency: number): number {
  if (metric === "rps") return Number(target ?? CLUSTER.target.rps);
  if (target === undefined) return concurrency || CLUSTER.target.concurrency;
  return concurrency === 0 ? Number(target) : Math.min(Number(target), concurrency);
}

const toSecond = (ms: number): number => Math.round(ms / SECOND_MS) * SECOND_MS;

type Check = (value: string) => string | null;

const wholeNumber =
  (min = 0): Check =>
  (value) =>
    /^\d+$/.test(value) && Number(value) >= min
      ? null
      : `must be a whole number${min > 0 ? `, at least ${String(min)}` : ""}, not "${value}"`;

const numberBetween =
  (min: number, max: number): Check =>
  (value) =>
    isNumber(value) && Number(value) >= min && Number(value) <= max
      ? null
      : `must be a number from ${String(min)} to ${String(max)}, not "${value}"`;

const isNumber = (text: string): boolean => /^-?(?:\d+\.?\d*|\.\d+)$/.test(text);

function duration(minMs: number, precisionMs: number): Check {
  return (value) => {
    const ms = goDurationMs(value);
    if (ms === null) return `must be a duration like 60s, not "${value}"`;
    if (ms < minMs || ms > MAX_WINDOW_MS)
      return `must lie between ${String(minMs / SECOND_MS)}s and 1h`;
    return ms % precisionMs === 0 ? null : "must be of whole seconds";
  };
}

const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value)
      ? null
      : `is not supported by the local runner, other than as ${values.join(" or ")}`;

const CHECKS: Readonly<Record<string, Check>> = {
  class: oneOf("kpa.autoscaling.knative.dev"),
  metric: oneOf("concurrency", "rps"),
  "metric-aggregation-algorithm": oneOf("linear", "weighted-exponential", "weightedExponential"),
  "min-scale": wholeNumber(),
  "max-scale": wholeNumber(),
  // Knative takes 0 only where the cluster's config-autoscaler allows it.
  "initial-scale": wholeNumber(),
  "activation-scale": wholeNumber(2),
  target: (value) =>
    isNumber(value) && Number(value) >= MIN_TARGET
      ? null
      : `must be a number, at least ${String(MIN_TARGET)}, not "${value}"`,
  "target-utilization-percentage": numberBetween(1, 100),
  "target-burst-capacity": (value) =>
    isNumber(value) && (Number(value) >= 0 || Number(value) === -1)
      ? null
      : `must be -1 or a number from 0 on, not "${value}"`,
  "panic-window-percentage": numberBetween(1, 100),
  "panic-threshold-percentage": numberBetween(110, 1_000),
  window: duration(MIN_WINDOW_MS, SECOND_MS),
  "scale-down-delay": duration(0, SECOND_MS),
  "scale-to-zero-pod-retention-period": duration(0, 1),
};

export function* checkAutoscaling(annotations: Annotations): Iterable<Fault> {
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(PREFIX)) continue;
    const check = CHECKS[annotation.slice(PREFIX.length)];
    const wrong = check === undefined ? "is unknown" : check(value);
    if (wrong !== null) yield fault(pathOf(annotation), `${annotation} ${wrong}`);
  }
  yield* checkBounds(toScale(annotations, 0));
}

function* checkBounds({ min, max, activation }: Scale): Iterable<Fault> {
  if (max > 0 && min > max) yield above("min-scale", min, "max-scale", max);
  if (activation === 0) return;
  if (min > activation) yield above("min-scale", min, "activation-scale", activation);
  if (max > 0 && activation > max) yield above("activation-scale", activation, "max-scale", max);
}

const above = (one: string, value: number, other: string, limit: number): Fault =>
  fault(pathOf(PREFIX + one), `${one} ${String(value)} is above ${other} ${String(limit)}`);

const pathOf = (annotation: string) => ["spec", "template", "metadata", "annotations", annotation];
