/** Spans by OTLP over HTTP, as JSON: OpenTelemetry's own SDK, loaded only where OTEL_EXPORTER_OTLP_ENDPOINT is set. */
import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import type { Span, SpanOptions, Tracer, TracesEnv } from "./span.ts";
import { formatTraceparent, parseTraceparent } from "./trace.ts";

const kinds = { consumer: SpanKind.CONSUMER, client: SpanKind.CLIENT } as const;
/** A collector that does not answer holds up the end of the function no longer. */
const timeoutMs = 3_000;

export function openOtlpTracer(name: string, env: TracesEnv, log: Logger): Tracer {
  const warn = (reason: string): void => log.warn({ reason }, "spans were not delivered");
  reportTo(warn);
  const exporter = new OTLPTraceExporter({
    // OTEL_EXPORTER_OTLP_HEADERS it reads itself.
    url: `${env.endpoint.replace(/\/$/, "")}/v1/traces`,
    timeoutMillis: timeoutMs,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.namespace": "task-events",
      "service.name": name,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(env.ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: timeoutMs })],
  });
  const tracer = provider.getTracer("task-events");
  const start = (spanName: string, { kind, parent, attributes }: SpanOptions): Span => {
    const span = tracer.startSpan(
      spanName,
      { kind: kinds[kind], attributes: attributes() },
      contextOf(parent),
    );
    return {
      traceparent: formatTraceparent(span.spanContext()),
      end: (outcome, failure) => {
        span.setAttribute("task_events.outcome", outcome);
        if (failure !== undefined) {
          span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
        }
        span.end();
      },
    };
  };
  const close = (): Promise<void> =>
    provider.shutdown().catch((error: unknown) => warn(String(error)));
  return { start, [Symbol.asyncDispose]: close };
}

function contextOf(traceparent: string | undefined) {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true } satisfies SpanContext);
}

/** The SDK says otherwise nothing of a collector that is away; spans are lost then, events are not. */
function reportTo(warn: (reason: string) => void): void {
  const quiet = (): void => undefined;
  diag.setLogger(
    { error: warn, warn, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
