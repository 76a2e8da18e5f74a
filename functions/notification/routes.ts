/** Management: recipients, the ledger, and sending again. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { AccessError, bearerToken, type Caller, readableUser } from "../../lib/host/token.ts";
import { listNotifications, resend } from "./ledger/history.ts";
import type { Notifier } from "./notifier.ts";
import {
  fromBody,
  type RecipientBody,
  recipientBodySchema,
  readRecipients,
  toBody,
  writeRecipient,
} from "./recipient.ts";
import { channels } from "./ledger/table.ts";

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });

const userParams = { type: "object", properties: { user_id: text(256) } };

const listQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    user_id: text(256),
    event_id: text(16_384),
    limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
    cursor: { type: "string", pattern: "^[1-9]\\d{0,15}$" },
  },
};

const resendBody = {
  type: "object",
  additionalProperties: false,
  required: ["source", "id"],
  properties: {
    source: text(16_384),
    id: text(16_384),
    user_id: text(256),
    channel: { type: "string", enum: channels },
  },
};

interface ListQuery {
  readonly user_id?: string;
  readonly event_id?: string;
  readonly limit: number;
  readonly cursor?: string;
}

interface ResendBody {
  readonly source: string;
  readonly id: string;
  readonly user_id?: string;
  readonly channel?: "email" | "sms";
}

type CallerOf = (request: FastifyRequest) => Caller;

export function addRoutes(app: FastifyInstance, notifier: Notifier): void {
  const callers = new WeakMap<FastifyRequest, Caller>();
  // Before the request is looked at: without a token nobody learns what would be a right one.
  app.addHook("onRequest", async (request) => {
    callers.set(request, await notifier.verifyToken(bearerToken(request.headers.authorization)));
  });
  const callerOf: CallerOf = (request) => {
    const caller = callers.get(request);
    if (caller === undefined) throw new AccessError(401, "a bearer token is needed");
    return caller;
  };
  addRecipientRoutes(app, notifier, callerOf);
  addNotificationRoutes(app, notifier, callerOf);
}

function addRecipientRoutes(app: FastifyInstance, { db }: Notifier, callerOf: CallerOf): void {
  app.get<{ Params: { user_id: string } }>(
    "/recipients/:user_id",
    { schema: { params: userParams } },
    async (request, reply) => {
      const { user_id: userId } = request.params;
      readableUser(callerOf(request), userId);
      const recipient = (await readRecipients(db, [userId])).get(userId);
      if (recipient === undefined) return reply.code(404).send({ error: "no such recipient" });
      return toBody(recipient);
    },
  );

  app.put<{ Params: { user_id: string }; Body: RecipientBody }>(
    "/recipients/:user_id",
    { schema: { params: userParams, body: recipientBodySchema } },
    async (request, reply) => {
      const { user_id: userId } = request.params;
      readableUser(callerOf(request), userId);
      const recipient = fromBody(request.body);
      if (typeof recipient === "string") return reply.code(400).send({ error: recipient });
      await writeRecipient(db, userId, recipient);
      return toBody(recipient);
    },
  );
}

function addNotificationRoutes(
  app: FastifyInstance,
  { db, retryHours, poke }: Notifier,
  callerOf: CallerOf,
): void {
  app.get<{ Querystring: ListQuery }>(
    "/notifications",
    { schema: { querystring: listQuery } },
    async (request, reply) => {
      const { user_id: userId, event_id: eventId, limit, cursor } = request.query;
      const { items, next } = await listNotifications(db, {
        userId: readableUser(callerOf(request), userId),
        eventId,
        limit,
        before: cursor === undefined ? undefined : Number(cursor),
      });
      return reply.send({ notifications: items, next: next === null ? null : String(next) });
    },
  );

  app.post<{ Body: ResendBody }>(
    "/notifications/resend",
    { schema: { body: resendBody } },
    async (request, reply) => {
      if (!callerOf(request).isAdmin) throw new AccessError(403, "scope admin is needed");
      const { user_id: userId, channel, ...event } = request.body;
      const resent = await resend(db, { ...event, userId, channel, retryHours });
      if (resent === 0) {
        const error = "this event has no failed or suppressed notification";
        return reply.code(404).send({ error });
      }
      poke();
      return reply.code(202).send({ resent });
    },
  );
}
