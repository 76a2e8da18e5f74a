/** One HTTP attempt at a sink: keep-alive, bounded in time, redirected as the dispatcher's client does. */
import { Agent, request, type IncomingMessage } from "node:http";

export interface SinkRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The sink's answer; `status` null where none came. */
export interface SinkAnswer {
  readonly status: number | null;
  /** Names in lower case, values in Latin-1; of a repeated name the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** The beginning of the body. */
  readonly body: Buffer;
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

/** The dead letter has so many bytes of the answer; more is read off the connection but not kept. */
const keptBodyBytes = 1024;
const maxRedirects = 16;

export function openHttpSender({ maxSockets = 100 } = {}): HttpSender {
  const agent = new Agent({ keepAlive: true, maxSockets });
  return {
    async send(url, message, timeoutMs, signal) {
      // Not AbortSignal.any: what it hangs on a signal as old as the source is not let go per attempt.
      const end = new AbortController();
      const abort = () => end.abort();
      const timer = setTimeout(abort, timeoutMs);
      signal?.addEventListener("abort", abort, { once: true });
      if (signal?.aborted) abort();
      try {
        return await exchange({ agent, url, method: "POST", message, signal: end.signal });
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

interface Exchange {
  readonly agent: Agent;
  readonly url: string;
  readonly method: "POST" | "GET";
  readonly message: SinkRequest;
  readonly signal: AbortSignal;
}

async function exchange(given: Exchange, redirects = maxRedirects): Promise<SinkAnswer> {
  const answer = await attempt(given);
  const location = answer.headers.get("location");
  if (!isFollowed(answer.status, given.method) || location === undefined || redirects === 0) {
    return answer;
  }
  const url = new URL(location, given.url).href;
  return exchange({ ...given, url, method: "GET" }, redirects - 1);
}

/** A POST is redirected by 303 alone; the GET that follows, with the same headers and body, by all of them. */
const isFollowed = (status: number | null, method: string): boolean =>
  status === 303 || (method === "GET" && [301, 302, 307, 308].includes(status ?? 0));

function attempt({ agent, url, method, message, signal }: Exchange): Promise<SinkAnswer> {
  const { headers, body } = message;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent, headers, signal }, (response) => {
      response.once("error", reject);
      readAnswer(response, resolve);
    });
    outgoing.once("error", reject);
    if (body.length > 0) {
      outgoing.setHeader("content-length", body.length);
      outgoing.end(body);
      return;
    }
    // Without data the dispatcher sends neither length nor chunks.
    outgoing.removeHeader("content-length");
    outgoing.removeHeader("transfer-encoding");
    outgoing.end();
  });
}

function readAnswer(response: IncomingMessage, resolve: (answer: SinkAnswer) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on("data", (chunk: Buffer) => {
    if (length < keptBodyBytes) chunks.push(chunk);
    length += chunk.length;
  });
  response.once("end", () =>
    resolve({
      status: response.statusCode ?? null,
      headers: lastHeaders(response.rawHeaders),
      body: Buffer.concat(chunks),
    }),
  );
}

/** Of a flat list of names and values, as node:http gives it. */
export function lastHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.set((raw[index] ?? "").toLowerCase(), raw[index + 1] ?? "");
  }
  return headers;
}
