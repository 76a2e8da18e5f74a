/** Which part of Dapr's HTTP API answers a request. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Note } from "../process/note/note.ts";
import { DaprError } from "./dapr-error.ts";

export interface DaprRequest {
  req: IncomingMessage;
  res: ServerResponse;
  /** The groups of the route's path, percent-decoded. */
  params: readonly string[];
  query: URLSearchParams;
}

export interface Route {
  /** Any where none is named. */
  methods?: readonly string[];
  path: RegExp;
  /** What it returns is the answer: undefined is 204, other values are JSON. Null: it has answered itself. */
  handle: (request: DaprRequest) => unknown;
}

const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

export interface RoutesOptions {
  note: Note;
  /** Asked for in `dapr-api-token`, where set. */
  apiToken?: string;
}

export function answerRoutes(routes: readonly Route[], options: RoutesOptions): RequestListener {
  return (req, res) => void answer(routes, req, res, options);
}

async function answer(
  routes: readonly Route[],
  req: IncomingMessage,
  res: ServerResponse,
  { note, apiToken }: RoutesOptions,
): Promise<void> {
  try {
    if (!hasToken(req, apiToken)) {
      res
        .writeHead(401, { "Content-Type": "text/plain; charset=utf-8" })
        .end("invalid api token\n");
      return;
    }
    const body = await handle(routes, req, res);
    if (body === null) return;
    if (body === undefined) res.writeHead(204).end();
    else sendJson(res, 200, JSON.stringify(body));
  } catch (error) {
    if (res.headersSent || res.destroyed) res.destroy();
    else sendError(res, error, note);
  }
}

/** Whether it is up anybody may know. */
function hasToken({ url = "", headers }: IncomingMessage, apiToken: string | undefined): boolean {
  if (apiToken === undefined || url.startsWith("/v1.0/healthz")) return true;
  return headers["dapr-api-token"] === apiToken;
}

function handle(routes: readonly Route[], req: IncomingMessage, res: ServerResponse): unknown {
  const [pathname, search = ""] = splitOnce(req.url ?? "", "?");
  for (const { methods, path, handle: handler } of routes) {
    const match = path.exec(pathname);
    if (match !== null && (methods?.includes(req.method ?? "") ?? true)) {
      const params = match.slice(1).map(decode);
      return handler({ req, res, params, query: new URLSearchParams(search) });
    }
  }
  throw new DaprError(404, "ERR_NOT_FOUND", `the sidecar has no ${req.method ?? ""} ${pathname}`);
}

function sendError(res: ServerResponse, error: unknown, note: Note): void {
  if (!(error instanceof DaprError)) note("dapr", String(error), "error");
  const { status, errorCode, message } =
    error instanceof DaprError ? error : new DaprError(500, "ERR_INTERNAL", "internal error");
  sendJson(res, status, JSON.stringify({ errorCode, message }));
}

export function sendJson(res: ServerResponse, status: number, json: string): void {
  res.writeHead(status, { "Content-Type": "application/json" }).end(json);
}

export function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

export function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new DaprError(400, "ERR_MALFORMED_REQUEST", `${part} is not percent-encoded UTF-8`);
  }
}

/** Rejects with 413 above daprd's own limit of 4 MB. */
export async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) {
      throw new DaprError(413, "ERR_MALFORMED_REQUEST", "the body is larger than 4 MB");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function readJson(req: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse((await readBody(req)).toString()) as unknown;
  } catch (error) {
    if (error instanceof DaprError) throw error;
    throw new DaprError(400, "ERR_MALFORMED_REQUEST", `the body is no JSON: ${String(error)}`);
  }
}

/** `metadata.ttlInSeconds=5` of a query → `{ ttlInSeconds: "5" }` */
export function metadataOf(query: URLSearchParams): Record<string, string> {
  const prefix = "metadata.";
  const entries = [...query].filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(prefix.length), value]));
}
