/** How a function is declared: a value, so that tests and the runner import it with nothing started. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Event } from "../events/event.ts";
import type { EventType } from "../events/task.ts";
import type { Tracer } from "./span.ts";

export interface HandlerContext<Resources> {
  readonly resources: Resources;
  /** Carries event id, type and trace id in every line. */
  readonly log: Logger;
  /** W3C traceparent for every effect that it has: that of this work, or, where nobody collects traces, of the delivery or the event. */
  readonly traceparent: string | undefined;
}

/** What became of an event: counted by it. All of them are answered 204. */
export type Outcome = "done" | "duplicate" | "ignored";

export interface Handler<Resources> {
  /** Null: every type. */
  readonly type: string | null;
  readonly handle: (
    event: Event,
    context: HandlerContext<Resources>,
  ) => Promise<Outcome | undefined>;
}

/** An event whose data was checked against the schema of its type. */
export type EventOf<Data> = Omit<Event, "data" | "problem"> & {
  readonly data: Data;
  problem: null;
};

/** Handles one type of the contract. The event has passed its schema. */
export function on<Data, Resources>(
  eventType: EventType<Data>,
  handle: (
    event: EventOf<Data>,
    context: HandlerContext<Resources>,
  ) => Promise<Outcome | undefined>,
): Handler<Resources> {
  // The host answers 422 before it calls a handler for an event that has a problem: the data is what the schema says.
  return {
    type: eventType.type,
    handle: (event, context) => handle(event as EventOf<Data>, context),
  };
}

/** Handles every event there is, the ones included that break the contract (`event.problem`). */
export function onEverything<Resources>(handle: Handler<Resources>["handle"]): Handler<Resources> {
  return { type: null, handle };
}

export interface OpenContext {
  readonly log: Logger;
  /** Where a function registers metrics of its own. */
  readonly metrics: Registry;
  readonly tracer: Tracer;
}

export interface FunctionDefinition<Resources extends AsyncDisposable> {
  /** Folder, Knative Service, consumer group and log field. */
  readonly name: string;
  /** The `service` of `GET /health`; by default `<name>-service`. */
  readonly service?: string;
  /** Opens what the handlers need; throws UsageError where a variable is missing. */
  readonly open: (context: OpenContext) => Promise<Resources>;
  readonly handlers: readonly Handler<Resources>[];
  /** Management routes, in a Fastify app that is loaded with its first request. */
  readonly routes?: (app: FastifyInstance, resources: Resources) => void | Promise<void>;
  /** Null where ready, else a sentence that says what is missing. */
  readonly ready?: (resources: Resources) => Promise<string | null>;
  /** Members added to `GET /health`. */
  readonly health?: (resources: Resources) => Record<string, number>;
  readonly upgrade?: (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    resources: Resources,
  ) => void;
  /** Checked before an event is read, where not everybody may POST one: a reason refuses with 401. */
  readonly authorize?: (request: IncomingMessage, resources: Resources) => string | null;
  /** Called first on SIGTERM, while the server still answers. */
  readonly drain?: (resources: Resources) => Promise<void>;
  /** Events handled at once; above it 429. Must exceed what one consumer sends (71 to 90 were seen). */
  readonly maxInFlight?: number;
  /** Of a request's header section; larger is answered 431. */
  readonly maxHeaderBytes?: number;
}

export const defineFunction = <Resources extends AsyncDisposable>(
  definition: FunctionDefinition<Resources>,
): FunctionDefinition<Resources> => definition;
