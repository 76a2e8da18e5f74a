/** The management routes of a function: a Fastify app behind the same port, loaded with its first request. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { PermanentError, RetryableError } from "./error.ts";
import type { FunctionDefinition } from "./function.ts";
import { AccessError } from "./token.ts";

export type ManagementApp = (request: IncomingMessage, response: ServerResponse) => void;

export async function loadManagement<Resources extends AsyncDisposable>(
  definition: FunctionDefinition<Resources>,
  resources: Resources,
  log: Logger,
): Promise<ManagementApp> {
  const { fastify } = await import("fastify");
  const app = fastify({
    bodyLimit: 64 * 1024,
    // Ids of 256 characters, percent-encoded; find-my-way's default of 100 would answer 404.
    routerOptions: { maxParamLength: 4_096 },
    ajv: { customOptions: { coerceTypes: true, removeAdditional: false } },
  });
  app.setNotFoundHandler(async (_, reply) => reply.code(404).send({ error: "no such route" }));
  app.setErrorHandler(async (error: FastifyError, request, reply) =>
    answerError(error, request, reply, log),
  );
  await definition.routes?.(app, resources);
  await app.ready();
  return (request, response) => app.routing(request, response);
}

/** Refusals are sentences; a bug is logged and says nothing to the caller. */
function answerError(
  error: FastifyError | PermanentError | RetryableError,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): FastifyReply {
  const isExpected = error instanceof PermanentError || error instanceof RetryableError;
  const status = isExpected ? error.status : (error.statusCode ?? 500);
  if (error instanceof AccessError && status === 401) reply.header("www-authenticate", "Bearer");
  // Fastify would close at once, and a proxy that is still sending would see a reset in place of the answer.
  if (status === 413) reply.removeHeader("connection");
  if (status < 500) return reply.code(status).send({ error: error.message });
  log.error(
    { err: error, method: request.method, route: request.routeOptions.url },
    "a request failed",
  );
  return reply
    .code(status)
    .send({ error: status === 503 ? "a dependency is not available" : "internal error" });
}
