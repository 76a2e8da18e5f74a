/** The management routes: entries for people, history for the gateway. */
import type { FastifyInstance } from "fastify";
import { type HistoryRequest, historyRequestSchema } from "../../lib/events/history.ts";
import { AccessError, bearerToken, readableUser } from "../../lib/host/token.ts";
import { retryable } from "../../lib/store/failure.ts";
import type { AuditLog } from "./audit-log.ts";
import { readCoverageReport } from "./query/coverage-report.ts";
import { readEntries } from "./query/entries.ts";
import { parseEntriesQuery } from "./query/entries-query.ts";
import { toPageJson } from "./query/entry-json.ts";
import { readGeneration, readHistory } from "./query/history.ts";
import { readTrace } from "./query/trace.ts";

export function auditRoutes(app: FastifyInstance, log: AuditLog): void {
  const { reader } = log.store;

  app.get<{ Querystring: Record<string, unknown> }>("/entries", async (request, reply) => {
    const caller = await log.verifyToken(bearerToken(request.headers.authorization));
    const query = parseEntriesQuery(request.query);
    const userId = readableUser(caller, query.userId);
    const page = await retryable(() => readEntries(reader, { ...query, userId }));
    return reply.type("application/json").send(toPageJson(page));
  });

  operatorRoutes(app, log);

  /** Before the body is looked at: who may not ask is told nothing else. */
  const onRequest = async (request: { headers: { authorization?: string | undefined } }) =>
    log.verifyServiceToken(bearerToken(request.headers.authorization));

  app.post<{ Body: HistoryRequest }>(
    "/history",
    { onRequest, schema: { body: historyRequestSchema } },
    async (request, reply) => {
      const history = await retryable(() => readHistory(reader, request.body));
      return reply.type("application/json").send(history);
    },
  );

  app.get("/generation", { onRequest }, async () =>
    retryable(() => readGeneration(reader, log.topic)),
  );
}

const text = { type: "string", minLength: 1, maxLength: 16_384 };
const traceSchema = {
  querystring: {
    type: "object",
    additionalProperties: false,
    required: ["id"],
    properties: { id: text, source: text },
  },
};

/** What `task-events verify` and `trace` ask. */
function operatorRoutes(app: FastifyInstance, { store, topic, verifyToken }: AuditLog): void {
  const onRequest = async (request: { headers: { authorization?: string | undefined } }) => {
    const { isAdmin } = await verifyToken(bearerToken(request.headers.authorization));
    if (!isAdmin) throw new AccessError(403, "scope admin is needed");
  };

  app.get("/coverage", { onRequest }, async () =>
    retryable(() => readCoverageReport(store.reader, topic)),
  );

  app.get<{ Querystring: { id: string; source?: string } }>(
    "/trace",
    { onRequest, schema: traceSchema },
    async ({ query: { id, source } }) => retryable(() => readTrace(store.reader, { id, source })),
  );
}
