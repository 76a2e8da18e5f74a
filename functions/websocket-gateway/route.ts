/** The gateway's HTTP routes beside health: event streams, tickets, presence, and the sidecar's deliveries. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { KafkaRecord } from "../../lib/events/kafka-record.ts";
import { typeLabel } from "../../lib/host/metric.ts";
import { bearerToken, readableUser } from "../../lib/host/token.ts";
import { traceparentOf } from "../../lib/host/trace.ts";
import { checkOrigin, corsHeaders, preflightHeaders } from "./access/origin.ts";
import { sidecarRefusal } from "./access/sidecar.ts";
import type { Gateway } from "./gateway.ts";
import { TooManyError } from "./peer/admission.ts";
import { openEventStream } from "./peer/sse.ts";
import { fromSidecar } from "./topic/sidecar-record.ts";

/** A record of Kafka's largest default, twice over, as base64 in JSON. */
const deliveryLimitBytes = 4 * 1024 * 1024;

export async function gatewayRoutes(app: FastifyInstance, gateway: Gateway): Promise<void> {
  await app.register(async (scope) => clientRoutes(scope, gateway));
  await app.register(async (scope) => sidecarRoutes(scope, gateway));
}

function sidecarRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  app.addHook("onRequest", async (request, reply) => {
    const refusal = sidecarRefusal(request.raw, gateway.env.appApiToken);
    if (refusal !== null) return reply.code(403).send({ error: refusal });
  });
  app.route<{ Body: Buffer }>({
    method: "POST",
    url: "/dapr/task-events",
    bodyLimit: deliveryLimitBytes,
    // Acknowledged when it is in the ring: not before.
    handler: async ({ headers, body }) => {
      await accept(fromSidecar(headers, body), gateway);
      return { status: "SUCCESS" };
    },
  });
}

/** Where it fails, the sidecar delivers it again. */
async function accept(record: KafkaRecord, { tail, tracer }: Gateway): Promise<void> {
  const header = (name: string): string | undefined => record.headers[name]?.toString();
  const span = tracer.start(`show ${typeLabel(header("ce_type") ?? "")}`, {
    kind: "consumer",
    parent: traceparentOf(undefined, header("ce_traceparent")),
    attributes: () => ({
      "cloudevents.event_id": header("ce_id") ?? "",
      "cloudevents.event_source": header("ce_source") ?? "",
      "cloudevents.event_type": header("ce_type") ?? "",
      "messaging.destination.partition.id": String(record.partition),
      "messaging.kafka.offset": record.offset,
    }),
  });
  try {
    await tail.accept(record);
    span.end("done");
  } catch (error) {
    span.end("retry", error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** For browsers: only from the gateway's own site and the listed ones. */
function clientRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.removeAllContentTypeParsers();
  // No route here has a body; whatever a client sends along is passed over.
  app.addContentTypeParser("*", (_, payload, done) => {
    payload.resume();
    done(null);
  });
  app.addHook("onRequest", async (request, reply) => guardOrigin(request, reply, gateway));
  for (const path of ["/sse", "/tickets", "/presence"]) app.options(path, answerPreflight(gateway));

  app.get("/sse", async (request, reply) => {
    if (gateway.peers.isDraining) return reply.code(503).send({ error: "the gateway restarts" });
    try {
      await openEventStream(request, reply, gateway);
    } catch (error) {
      if (error instanceof TooManyError) {
        gateway.metrics.refused.inc({ reason: "429" });
        reply.header("retry-after", Math.ceil(error.retryAfterMs / 1000));
      }
      throw error;
    }
  });

  app.get("/ws", async (_, reply) =>
    reply.code(426).header("upgrade", "websocket").send({ error: "/ws speaks WebSocket" }),
  );

  app.post("/tickets", async (request, reply) => {
    const caller = await gateway.verifyToken(bearerToken(request.headers.authorization));
    return reply.send({ ticket: await gateway.tickets.issue(caller) });
  });

  app.get<{ Querystring: { user_id?: string } }>("/presence", async (request, reply) => {
    const caller = await gateway.verifyToken(bearerToken(request.headers.authorization));
    const userId = readableUser(caller, request.query.user_id) ?? caller.userId;
    const connections = await gateway.presence.connections(userId);
    return reply.send({ user_id: userId, online: connections.length > 0, connections });
  });
}

async function guardOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  { env }: Gateway,
): Promise<FastifyReply | undefined> {
  const check = checkOrigin(request.headers, env.allowedOrigins);
  if (check === "refused") return reply.code(403).send({ error: "this origin is not allowed" });
  reply.header("x-content-type-options", "nosniff");
  if (check.allowOrigin !== null) reply.headers(corsHeaders(check.allowOrigin));
  return undefined;
}

const answerPreflight =
  ({ env }: Gateway) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const check = checkOrigin(request.headers, env.allowedOrigins);
    if (check !== "refused" && check.allowOrigin !== null) {
      reply.headers(preflightHeaders(check.allowOrigin));
    }
    return reply.code(204).send();
  };
