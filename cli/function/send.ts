/** One delivery to one function, with the dispatcher's verdict on each status. */
import { setTimeout as delay } from "node:timers/promises";
import { isObject } from "../../lib/events/structured.ts";
import type { Delivery } from "../../lib/events/kafka-record.ts";

export type Message = Pick<Delivery, "headers" | "body">;

export type Sent =
  | { readonly outcome: "done" }
  /** Sending it again cannot help. */
  | { readonly outcome: "refused"; readonly why: string }
  /** It may work later. */
  | { readonly outcome: "unavailable"; readonly why: string }
  | { readonly outcome: "stopped" };

/** Before the second attempt and so on: some 16 s, which a cold start and a failover fit into. */
const waitsMs = [250, 500, 1_000, 2_000, 4_000, 8_000];
const timeoutMs = 30_000;
/** After this no other attempt begins. */
const patienceMs = 45_000;
/** As in the dispatcher: everything else below 500 will not change. */
const retriedBelow500 = new Set([404, 408, 409, 429]);

export async function send(
  url: string,
  message: Message,
  signal?: AbortSignal,
  waits: readonly number[] = waitsMs,
): Promise<Sent> {
  const startedAt = performance.now();
  for (let attempt = 0; ; attempt++) {
    if (signal?.aborted === true) return { outcome: "stopped" };
    const sent = await attemptOnce(url, message);
    const waitMs = waits[attempt];
    const isPatient = performance.now() - startedAt < patienceMs;
    if (sent.outcome !== "unavailable" || waitMs === undefined || !isPatient) return sent;
    await delay(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

async function attemptOnce(url: string, { headers, body }: Message): Promise<Sent> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      // A record without data has neither length nor chunks.
      ...(body === null || body.length === 0 ? {} : { body: new Uint8Array(body) }),
    });
    const text = await response.text();
    if (response.ok) return { outcome: "done" };
    const { status } = response;
    const why = `${status} ${response.headers.get("kne-reason") ?? messageOf(text)}`.trim();
    const isRetried = status >= 500 || retriedBelow500.has(status);
    return { outcome: isRetried ? "unavailable" : "refused", why };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return { outcome: "unavailable", why: `no answer (${why})` };
  }
}

function messageOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    const error = isObject(body) ? body["error"] : undefined;
    if (typeof error === "string") return error;
    return isObject(error) && typeof error["message"] === "string" ? error["message"] : "";
  } catch {
    return "";
  }
}
