/** The HTTP server of a function: events on the fast path, health, and everything else to its management app. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { answerFailure } from "./answer.ts";
import { trackConnections } from "./connection.ts";
import type { FunctionDefinition } from "./function.ts";
import { answerHealth } from "./health.ts";
import { http } from "./http.ts";
import { forLoopback, isForeign } from "./loopback.ts";
import { loadManagement, type ManagementApp } from "./management.ts";
import type { HostMetrics } from "./metric.ts";
import { createReceiver, type Receiver } from "./receive.ts";
import type { Tracer } from "./span.ts";

/**
 * Above what the dispatcher can send, a whole record of 1 MiB in its headers, and what queue-proxy lets through: a 431
 * is a dead letter, and Node's default is 16 KB.
 */
const defaultMaxHeaderBytes = 1_088 * 1024;
/** Longer than queue-proxy keeps idle connections (knative/serving#12414: else sporadic 502). */
const keepAliveMs = 620_000;

export interface FunctionHost<Resources extends AsyncDisposable> {
  readonly definition: FunctionDefinition<Resources>;
  readonly resources: Resources;
  readonly log: Logger;
  readonly metrics: HostMetrics;
  readonly tracer: Tracer;
  /** What it listens on. */
  readonly host: string | undefined;
}

export function createFunctionServer<Resources extends AsyncDisposable>(
  host: FunctionHost<Resources>,
): Server {
  const { definition, resources } = host;
  const receive = createReceiver(host);
  const manage = lazyManagement(host);
  const server = http.createServer(
    {
      maxHeaderSize: definition.maxHeaderBytes ?? defaultMaxHeaderBytes,
      keepAliveTimeout: keepAliveMs,
      headersTimeout: 30_000,
      requestTimeout: 60_000,
    },
    forLoopback(host.host, (request, response) => route(host, receive, manage, request, response)),
  );
  trackConnections(server);
  const { upgrade } = definition;
  if (upgrade !== undefined) {
    server.on("upgrade", (request, socket, head) => {
      if (isForeign(request, host.host)) socket.destroy();
      else upgrade(request, socket, head, resources);
    });
  }
  return server;
}

function route<Resources extends AsyncDisposable>(
  host: FunctionHost<Resources>,
  receive: Receiver,
  manage: ManagementApp,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { url = "/" } = request;
  const path = url === "/" ? url : (url.split("?", 1)[0] ?? "/");
  if (path === "/") {
    if (request.method === "POST") void receive(request, response);
    else answerWrongMethod(request, response);
  } else if (
    request.method !== "GET" ||
    !answerHealth(path, response, host.definition, host.resources)
  ) {
    manage(request, response);
  }
}

function answerWrongMethod(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.setHeader("allow", "POST");
  answerFailure(response, {
    status: 405,
    code: "method_not_allowed",
    message: "events are POSTed",
  });
}

function lazyManagement<Resources extends AsyncDisposable>(
  host: FunctionHost<Resources>,
): ManagementApp {
  let app: Promise<ManagementApp> | undefined;
  return (request, response) => {
    app ??= loadManagement(host.definition, host.resources, host.log);
    app.then(
      (handle) => handle(request, response),
      (error: unknown) => {
        host.log.error({ err: error }, "the management routes did not load");
        answerFailure(response, { status: 500, code: "internal_error", message: "internal error" });
      },
    );
  };
}
