/** Spans of a function's work, for whoever collects traces. Nothing of OpenTelemetry is loaded where nobody does. */
import type { Logger } from "pino";

export interface Span {
  /** To pass on with every effect; the parent's where nobody collects. */
  readonly traceparent: string | undefined;
  /** Once. `failure`: why it was not done. */
  readonly end: (outcome: string, failure?: string) => void;
}

export interface SpanOptions {
  readonly kind: "consumer" | "client";
  /** The traceparent of what led to it; undefined begins a trace. */
  readonly parent: string | undefined;
  /** Asked for where somebody collects. */
  readonly attributes: () => Readonly<Record<string, string | number>>;
}

export interface Tracer extends AsyncDisposable {
  readonly start: (name: string, options: SpanOptions) => Span;
}

/** Where spans go. */
export interface TracesEnv {
  readonly endpoint: string;
  /** Share of the traces that begin here: 0 to 1. Those that come with a parent follow it. */
  readonly ratio: number;
}

const nothing = (): void => undefined;

/** Hands the trace on and tells nobody. */
export const untraced: Tracer = {
  start: (_, { parent }) => ({ traceparent: parent, end: nothing }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

export async function openTracer(
  name: string,
  env: TracesEnv | undefined,
  log: Logger,
): Promise<Tracer> {
  if (env === undefined) return untraced;
  const { openOtlpTracer } = await import("./otlp.ts");
  return openOtlpTracer(name, env, log);
}
