/** Recurrences and their next occurrences, for the user that they belong to. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { AccessError, bearerToken, type Caller, readableUser } from "../../lib/host/token.ts";
import { retryable } from "../../lib/store/failure.ts";
import type { Resources } from "./resources.ts";
import { takenInAt } from "./series/inbox.ts";
import { findSeries, listSeries } from "./series/series-list.ts";
import type { Series } from "./series/series.ts";
import { toSeriesView } from "./series/series-view.ts";

const count = Type.Integer({ minimum: 0, maximum: 100, default: 5 });
/** PostgreSQL refuses U+0000, which no event has in its ids either. */
const text = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: "^[^\\u0000]*$" });

const oneSchema = {
  params: Type.Object({ task_id: text(256) }),
  querystring: Type.Object({ count }),
};
const verdictSchema = {
  querystring: Type.Object({
    source: text(16_384),
    id: text(16_384),
    task_id: Type.Optional(text(256)),
  }),
};
const listSchema = {
  querystring: Type.Object({
    user_id: Type.Optional(text(256)),
    count,
    limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
    cursor: Type.Optional(text(2_000)),
  }),
};

type One = {
  Params: Static<typeof oneSchema.params>;
  Querystring: Static<typeof oneSchema.querystring>;
};
type Verdict = { Querystring: Static<typeof verdictSchema.querystring> };
type List = { Querystring: Static<typeof listSchema.querystring> };

export function seriesRoutes(app: FastifyInstance, resources: Resources): void {
  const { db, now, verifyToken } = resources;
  const callers = new WeakMap<FastifyRequest, Caller>();
  // Before the request is looked at: without a token nobody learns what would be a right one.
  app.addHook("onRequest", async (request) => {
    callers.set(request, await verifyToken(bearerToken(request.headers.authorization)));
  });
  const callerOf = (request: FastifyRequest): Caller => {
    const caller = callers.get(request);
    if (caller === undefined) throw new AccessError(401, "a bearer token is needed");
    return caller;
  };

  app.get<One>("/series/:task_id", { schema: oneSchema }, async (request, reply) => {
    const caller = callerOf(request);
    const series = await retryable(() => findSeries(db, request.params.task_id));
    // Of others alike: a stranger does not learn which tasks there are.
    if (series === null || !(caller.isAdmin || series.userId === caller.userId)) {
      return reply.code(404).send({ error: "there is no series of this task" });
    }
    return toSeriesView(series, now(), request.query.count);
  });

  app.get<List>("/series", { schema: listSchema }, async (request, reply) => {
    const { user_id: asked, count: occurrences, limit, cursor } = request.query;
    const userId = readableUser(callerOf(request), asked);
    const page = await retryable(() => listSeries(db, { userId, limit, cursor }));
    const series = page.series.map((one) => toSeriesView(one, now(), occurrences));
    return reply.send({ series, next: page.next });
  });

  /** What became of an event here, for `task-events trace`. */
  app.get<Verdict>("/verdict", { schema: verdictSchema }, async (request, reply) => {
    if (!callerOf(request).isAdmin) throw new AccessError(403, "scope admin is needed");
    const { source, id, task_id: taskId } = request.query;
    const takenIn = await retryable(() => takenInAt(db, { source, id }));
    const series = taskId === undefined ? null : await retryable(() => findSeries(db, taskId));
    const isRuleOfEvent = isOf(series?.rulePlace ?? null, source, id);
    return reply.send({
      taken_in_at: takenIn?.toISOString() ?? null,
      series: series === null ? null : toSeriesView(series, now(), 1),
      is_rule_of_event: isRuleOfEvent,
    });
  });
}

/** A place's id begins with the rank of the kind of change (change-event.ts). */
const isOf = (place: Series["rulePlace"], source: string, id: string): boolean =>
  place !== null && place.source === source && place.id.replace(/^\S+ /, "") === id;
