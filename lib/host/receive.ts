/** The fast path: one event POST, from its bytes to the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Event, Problem } from "../events/event.ts";
import { fromHttp } from "../events/http.ts";
import { answerDone, answerFailure, toFailure, type Failure } from "./answer.ts";
import { readBody } from "./body.ts";
import { PermanentError, RetryableError } from "./error.ts";
import type { FunctionDefinition, Handler, HandlerContext } from "./function.ts";
import { typeLabel, type HostMetrics } from "./metric.ts";
import type { Span, Tracer } from "./span.ts";
import { traceIdOf, traceparentOf } from "./trace.ts";

export interface Receiver {
  (request: IncomingMessage, response: ServerResponse): Promise<void>;
}

interface Host<Resources extends AsyncDisposable> {
  readonly definition: FunctionDefinition<Resources>;
  readonly resources: Resources;
  readonly log: Logger;
  readonly metrics: HostMetrics;
  readonly tracer: Tracer;
}

export function createReceiver<Resources extends AsyncDisposable>(host: Host<Resources>): Receiver {
  const { definition, metrics } = host;
  const maxInFlight = definition.maxInFlight ?? 256;
  let inFlight = 0;
  metrics.showInFlight(() => inFlight);
  return async (request, response) => {
    if (inFlight >= maxInFlight) {
      request.resume();
      return answerFailure(response, toFailure(overloaded(maxInFlight)));
    }
    inFlight++;
    try {
      const refusal = definition.authorize?.(request, host.resources) ?? null;
      if (refusal !== null) return refuse(request, response, refusal);
      const failure = await receiveAll(host, request);
      if (failure === null) answerDone(response);
      else answerFailure(response, failure);
    } catch (error) {
      // A client that went away before its event was complete has nothing to be answered.
      if (!request.destroyed || request.complete) answerFailure(response, toFailure(error));
    } finally {
      inFlight--;
    }
  };
}

const overloaded = (limit: number): RetryableError =>
  new RetryableError("overloaded", `more than ${limit} events are in flight`, { status: 429 });

function refuse(request: IncomingMessage, response: ServerResponse, message: string): void {
  request.resume();
  answerFailure(response, { status: 401, code: "unauthorized", message });
}

async function receiveAll<Resources extends AsyncDisposable>(
  host: Host<Resources>,
  request: IncomingMessage,
): Promise<Failure | null> {
  const body = await readBody(request);
  const result = fromHttp({ headers: request.headers, body, receivedAt: new Date() });
  if ("problem" in result) {
    host.metrics.handled.inc({ type: "other", outcome: "refused" });
    throw new PermanentError(result.problem.code, result.problem.message, {
      status: result.status,
    });
  }
  const traceHeader = request.headers["traceparent"];
  const [only] = result.events;
  if (!result.isBatch && only !== undefined) return await receiveOne(host, only, traceHeader);
  const failures = await Promise.all(
    result.events.map((event) => receiveOne(host, event, traceHeader)),
  );
  return batchFailure(failures);
}

/** After the good events are committed: a retry of the whole batch where one may help, else 422 with the bad indexes. */
function batchFailure(failures: readonly (Failure | null)[]): Failure | null {
  const retryable = failures.find(
    (failure) => failure !== null && failure.status >= 429 && failure.status !== 451,
  );
  const worst = failures.find((failure) => failure !== null && failure.status >= 500) ?? retryable;
  if (worst !== undefined && worst !== null) return worst;
  const bad = failures.flatMap((failure, index) =>
    failure === null ? [] : [`${index}: ${failure.message}`],
  );
  if (bad.length === 0) return null;
  return {
    status: 422,
    code: "batch_invalid",
    message: `events at these indexes failed: ${bad.join("; ")}`,
  };
}

async function receiveOne<Resources extends AsyncDisposable>(
  host: Host<Resources>,
  event: Event,
  traceHeader: string | string[] | undefined,
): Promise<Failure | null> {
  const startedAt = performance.now();
  const type = typeLabel(event.type);
  const span = startSpan(host, event, traceHeader, type);
  const context = new EventContext(host, event, span.traceparent);
  try {
    const handler = handlerOf(host.definition.handlers, event);
    const outcome =
      handler === undefined ? "ignored" : ((await handler.handle(event, context)) ?? "done");
    host.metrics.handled.inc({ type, outcome });
    span.end(outcome);
    return null;
  } catch (error) {
    const { failure, outcome } = failed(error, context.log);
    host.metrics.handled.inc({ type, outcome });
    span.end(outcome, failure.code);
    return failure;
  } finally {
    host.metrics.seconds.observe({ type }, (performance.now() - startedAt) / 1000);
  }
}

function startSpan<Resources extends AsyncDisposable>(
  { tracer }: Host<Resources>,
  event: Event,
  traceHeader: string | string[] | undefined,
  type: string,
): Span {
  return tracer.start(`process ${type}`, {
    kind: "consumer",
    parent: traceparentOf(traceHeader, event.extensions["traceparent"]),
    attributes: () => ({
      "cloudevents.event_id": event.id,
      "cloudevents.event_source": event.source,
      "cloudevents.event_type": event.type,
      ...(event.position === null
        ? {}
        : {
            "messaging.destination.partition.id": String(event.position.partition),
            "messaging.kafka.offset": event.position.offset,
          }),
    }),
  });
}

/** Most events are handled without a line: their logger is made with the first one. */
class EventContext<Resources extends AsyncDisposable> implements HandlerContext<Resources> {
  readonly resources: Resources;
  readonly traceparent: string | undefined;
  readonly #parent: Logger;
  readonly #event: Event;
  #log: Logger | undefined;

  constructor(host: Host<Resources>, event: Event, traceparent: string | undefined) {
    this.resources = host.resources;
    this.traceparent = traceparent;
    this.#parent = host.log;
    this.#event = event;
  }

  get log(): Logger {
    const { id, source, type } = this.#event;
    this.#log ??= this.#parent.child({
      event_id: id,
      event_source: source,
      event_type: type,
      trace_id: traceIdOf(this.traceparent),
    });
    return this.#log;
  }
}

function failed(error: unknown, log: Logger): { failure: Failure; outcome: string } {
  const failure = toFailure(error);
  const outcome = failure.status === 500 ? "bug" : failure.status >= 429 ? "retry" : "refused";
  if (failure.status === 500) log.error({ err: error }, "a bug: the event will be retried");
  else
    log.warn({ code: failure.code, status: failure.status, err: rootOf(error) }, failure.message);
  return { failure, outcome };
}

/** The cause of an expected error, where there is one: its own stack says nothing. */
const rootOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);

/** Undefined: a type that this function does not handle. New types must not break old functions. */
function handlerOf<Resources>(
  handlers: readonly Handler<Resources>[],
  event: Event,
): Handler<Resources> | undefined {
  const everything = handlers.find((handler) => handler.type === null);
  if (everything !== undefined) {
    if (event.problem !== null && event.position === null && isUnnamed(event.problem)) {
      throw refusal(event.problem);
    }
    return everything;
  }
  const handler = handlers.find((candidate) => candidate.type === event.type);
  if (event.problem !== null && (handler !== undefined || isUnnamed(event.problem))) {
    throw refusal(event.problem);
  }
  return handler;
}

/** Problems of the envelope: nothing names such an event, and only the topic gives it a place. */
const isUnnamed = (problem: Problem): boolean =>
  problem.code === "not_an_event" || problem.code === "attribute_invalid";

const refusal = (problem: Problem): PermanentError =>
  new PermanentError(problem.code, problem.message, { status: isUnnamed(problem) ? 400 : 422 });
