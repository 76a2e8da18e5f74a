/** One HTTP attempt at a sink: keep-alive, bounded in time, redirected as the dispatcher's client does. */
import { urlToHttpOptions } from "node:url";
import pLimit from "p-limit";
import { exchange, type Answer } from "../../exchange.ts";
import { keepAliveAgent } from "../../keep-alive.ts";
import type { Door } from "../../process/front/door.ts";
import { nextSpan } from "../event/trace-context.ts";

export interface SinkRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** Null: no data, and so no length either. */
  readonly body: Buffer | null;
}

/** The sink's answer; `status` null where none came. */
export interface SinkAnswer {
  readonly status: number | null;
  /** Names in lower case, values in Latin-1; of a repeated name the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** The beginning of the body. */
  readonly body: Buffer;
  /** It is another request's: that to which the first answer pointed. */
  readonly isRedirected?: boolean;
}

export interface HttpSender extends Disposable {
  send(
    url: string,
    request: SinkRequest,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<SinkAnswer>;
}

export const noAnswer: SinkAnswer = { status: null, headers: new Map(), body: Buffer.alloc(0) };

/** The dead letter has so many bytes of the answer. */
const deadLetterBytes = 1024;
const maxRedirects = 16;

/** The method of the request that follows a redirect to an answer's `location`; undefined: it is not followed. */
export type Redirects = (status: number | null, method: Method) => Method | undefined;

type Method = "POST" | "GET";

/** Vert.x follows a POST after 303 alone, by a GET with the same headers and body; a GET after all of them. */
export const dispatcherRedirects: Redirects = (status, method) =>
  status === 303 || (method === "GET" && [301, 302, 307, 308].includes(status ?? 0))
    ? "GET"
    : undefined;

/** Go's net/http, with which the PingSource adapter sends: a GET has no data any more. */
export const adapterRedirects: Redirects = (status, method) => {
  if (status === 307 || status === 308) return method;
  return status === 301 || status === 302 || status === 303 ? "GET" : undefined;
};

export interface HttpSenderOptions {
  readonly redirects?: Redirects;
  /** Of requests redirected to GET. */
  readonly keepsData?: boolean;
  /** Of an answer's body; more is read off the connection but not kept. */
  readonly keptBodyBytes?: number | undefined;
  readonly doorOf?: DoorOf | undefined;
}

/** The function that has this address, where it is one of the runner's own. */
export type DoorOf = (url: URL) => Door | undefined;

const maxSockets = 100;

export function openHttpSender({
  redirects = dispatcherRedirects,
  keepsData = true,
  keptBodyBytes = deadLetterBytes,
  doorOf = () => undefined,
}: HttpSenderOptions = {}): HttpSender {
  const agent = keepAliveAgent({ maxSockets });
  const atDoors = pLimit(maxSockets);
  const attempt: Attempting["attempt"] = (method, url, { headers, body }, end) => {
    const call = { method, headers: inTrace(headers), body, keptBodyBytes };
    const door = doorOf(url);
    return door === undefined
      ? exchange({ ...urlToHttpOptions(url), ...call, agent, signal: end.signal })
      : atDoors(() => door({ ...call, url, end }));
  };
  return {
    async send(url, message, timeoutMs, signal) {
      // Not AbortSignal.any: what it hangs on a signal as old as the source is not let go per attempt.
      const end = new AbortController();
      const abort = () => end.abort();
      const timer = setTimeout(abort, timeoutMs);
      signal?.addEventListener("abort", abort, { once: true });
      if (signal?.aborted) abort();
      try {
        return await follow({ attempt, redirects, keepsData, end }, "POST", new URL(url), message);
      } catch {
        return noAnswer;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

interface Attempting extends Required<Pick<HttpSenderOptions, "redirects" | "keepsData">> {
  readonly attempt: (
    method: Method,
    url: URL,
    message: SinkRequest,
    end: AbortController,
  ) => Promise<Answer>;
  readonly end: AbortController;
}

async function follow(
  given: Attempting,
  method: Method,
  url: URL,
  message: SinkRequest,
  left = maxRedirects,
): Promise<SinkAnswer> {
  const { status, rawHeaders, body } = await given.attempt(method, url, message, given.end);
  const headers = lastHeaders(rawHeaders);
  const location = headers.get("location");
  const next = given.redirects(status, method);
  if (next === undefined || location === undefined || left === 0) return { status, headers, body };
  const rest = next === "GET" && !given.keepsData ? withoutData(message) : message;
  const last = await follow(given, next, new URL(location, url), rest, left - 1);
  return { ...last, isRedirected: true };
}

function withoutData({ headers }: SinkRequest): SinkRequest {
  const { "content-type": _, ...rest } = headers;
  return { headers: rest, body: null };
}

/** Each request is a span of its own. */
function inTrace(headers: SinkRequest["headers"]): SinkRequest["headers"] {
  const { traceparent, tracestate, ...others } = headers;
  const span = nextSpan(traceparent);
  if (span === undefined) return others;
  return { ...others, traceparent: span, ...(tracestate === undefined ? {} : { tracestate }) };
}

/** Of a flat list of names and values, as node:http gives it. */
export function lastHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.set((raw[index] ?? "").toLowerCase(), raw[index + 1] ?? "");
  }
  return headers;
}
