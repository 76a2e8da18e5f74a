/** The local console on :8090: what was sent, delivered, dead-lettered, as JSON. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Kafka } from "kafkajs";
import type { Mail } from "../part/mail.ts";
import type { Sms } from "../part/sms.ts";
import { closeServer } from "../../lib/host/connection.ts";
import { createGuardedServer, listenOnLoopback } from "../process/front/front.ts";
import type { Report } from "../report.ts";
import { toListedDeadLetter, toListedEvent, type DeadLetterOptions } from "./listed-event.ts";
import { limitOf, QueryError, requiredTextOf, textOf } from "./query.ts";
import { signToken, type TokenIssuer } from "./token.ts";
import { createTopicTail, LogError, type TopicTail } from "./topic-tail.ts";

export interface ConsoleOptions extends DeadLetterOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly kafka: Kafka;
  readonly topics: { readonly events: string; readonly deadLetters: string };
  /** Undefined where the mail goes to a real server. */
  readonly mail: Pick<Mail, "list"> | undefined;
  readonly sms: Pick<Sms, "list"> | undefined;
  /** Undefined where the secret or JWKS came from outside: then nothing is signed here. */
  readonly tokens: TokenIssuer | undefined;
  readonly report: Report;
  readonly now?: () => Date;
}

export interface LocalConsole extends AsyncDisposable {
  readonly port: number;
}

/** The answer's JSON text, or undefined: there is no such thing here. */
type Route = (query: URLSearchParams) => Promise<string | undefined> | string | undefined;

export async function startConsole(options: ConsoleOptions): Promise<LocalConsole> {
  const { topics } = options;
  const tail = createTopicTail(options.kafka, [topics.events, topics.deadLetters]);
  const routes = toRoutes(options, tail);
  const server = createGuardedServer((request, response) => {
    void answer(request, routes)
      .catch((error: unknown) => toFailure(error, options.report))
      .then(({ status, json }) => respond(response, status, json));
  });
  const port = await listenOnLoopback(server, options.port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      await closeServer(server);
      await tail[Symbol.asyncDispose]();
    },
  };
}

function toRoutes(options: ConsoleOptions, tail: TopicTail): ReadonlyMap<string, Route> {
  const { topics, mail, sms, tokens, report, now = () => new Date() } = options;
  return new Map<string, Route>([
    [
      "/api/token",
      async (query) => {
        if (tokens === undefined) return undefined;
        const userId = requiredTextOf(query, "user_id");
        const scope = query.get("scope") ?? "";
        return JSON.stringify({ token: await signToken(tokens, { userId, scope }, now()) });
      },
    ],
    ["/api/mail", (query) => mail && JSON.stringify({ messages: mail.list(limitOf(query)) })],
    ["/api/sms", (query) => sms && JSON.stringify({ messages: sms.list(limitOf(query)) })],
    [
      "/api/events",
      async (query) => {
        const limit = limitOf(query);
        const type = textOf(query, "type");
        const records = await tail.read(topics.events);
        return listOf("events", records, limit, (record) => toListedEvent(record, type));
      },
    ],
    [
      "/api/dead-letters",
      async (query) => {
        const limit = limitOf(query);
        const records = await tail.read(topics.deadLetters);
        return listOf("dead_letters", records, limit, (it) => toListedDeadLetter(it, options));
      },
    ],
    ["/api/deliveries", (query) => deliveriesOf(query, report)],
  ]);
}

function deliveriesOf(query: URLSearchParams, report: Report): string {
  const found = report.deliveries({
    id: textOf(query, "id"),
    source: textOf(query, "source"),
    limit: limitOf(query),
  });
  const deliveries = found.map(({ function: name, attempt, status, ms, at, outcome }) => ({
    function: name,
    attempt,
    status,
    ms: Math.round(ms),
    at: at.toISOString(),
    outcome,
  }));
  return JSON.stringify({ deliveries });
}

function listOf<T>(
  name: string,
  records: readonly T[],
  limit: number,
  toJson: (record: T) => string | undefined,
): string {
  const items: string[] = [];
  for (const record of records) {
    if (items.length === limit) break;
    const json = toJson(record);
    if (json !== undefined) items.push(json);
  }
  return `{"${name}":[${items.join(",")}]}`;
}

interface Answer {
  readonly status: number;
  readonly json: string;
}

const failure = (status: number, error: string): Answer => ({
  status,
  json: JSON.stringify({ error }),
});

async function answer(
  request: IncomingMessage,
  routes: ReadonlyMap<string, Route>,
): Promise<Answer> {
  const url = URL.parse(request.url ?? "/", "http://localhost");
  if (url === null) return failure(400, "the address is not a URL");
  const { pathname, searchParams } = url;
  const route = routes.get(pathname);
  if (route === undefined) {
    return failure(404, `there is no ${pathname}; there are ${[...routes.keys()].join(", ")}`);
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return failure(405, `${pathname} can only be read, with GET`);
  }
  const json = await route(searchParams);
  return json === undefined
    ? failure(404, `${pathname} has nothing here: that part comes from outside the runner`)
    : { status: 200, json };
}

function toFailure(error: unknown, report: Report): Answer {
  if (error instanceof QueryError) return failure(400, error.message);
  if (error instanceof LogError) return failure(503, error.message);
  report.note("console", String(error), "error");
  return failure(500, "the console failed; the runner's output says why");
}

function respond(response: ServerResponse, status: number, json: string): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  });
  response.end(json);
}
