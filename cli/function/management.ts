/** Questions to the management routes of functions, with a token that the local console makes or a person gives. */
import { isObject } from "../../lib/events/structured.ts";
import { UsageError } from "../../lib/host/error.ts";
import type { TokenOptions } from "../option.ts";

/** Of the local console. */
export async function localToken(console: string, userId: string, scope = ""): Promise<string> {
  const query = new URLSearchParams({ user_id: userId, ...(scope === "" ? {} : { scope }) });
  const url = `${console}/api/token?${query.toString()}`;
  const response = await fetch(url).catch(() => undefined);
  if (response === undefined) {
    throw new UsageError(`${console} does not answer: is make start running? Else give --token.`);
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!isObject(body) || typeof body["token"] !== "string") {
    throw new UsageError(`${console} made no token (${response.status}): give one with --token.`);
  }
  return body["token"];
}

export const adminToken = async ({ token, console }: TokenOptions): Promise<string> =>
  token ?? (await localToken(console, "operator", "admin"));

/** How long a function that sleeps may take to start and answer. */
const timeoutMs = 30_000;

/** The answer's JSON. What does not answer, or not with this token, is a sentence. */
export async function ask(
  name: string,
  baseUrl: string,
  path: string,
  token: string,
): Promise<unknown> {
  const response = await get(name, new URL(path, baseUrl), token);
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const why = isObject(body) && typeof body["error"] === "string" ? body["error"] : "";
  if (response.status === 401 || response.status === 403) {
    throw new UsageError(
      `${name} refuses the token (${response.status}: ${why}): it needs scope admin. Give one with --token or TASK_EVENTS_TOKEN.`,
    );
  }
  throw new UsageError(`${name} at ${baseUrl} answered ${response.status}: ${why}.`);
}

async function get(name: string, url: URL, token: string): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "TimeoutError") {
      throw new UsageError(
        `${name} at ${url.origin} has not answered for ${timeoutMs / 1_000} s: it does not get ready. Its log tells why, e.g. that its database is away.`,
        { cause },
      );
    }
    throw new UsageError(
      `${name} at ${url.origin} does not answer: start it with \`make start\`, or say where it is with --${name} <url>.`,
      { cause },
    );
  }
}
