/** The channel SMS: Twilio's "create message" request. */
import type { Channel, Outgoing } from "./channel.ts";
import { DeliveryError, type DeliveryFailure } from "../send/delivery-error.ts";

export interface SmsOptions {
  /** `https://account:secret@host`, with a path where the provider has one. */
  readonly url: string;
  readonly from: string;
  readonly attemptMs?: number;
}

export function openSmsChannel(options: SmsOptions): Channel {
  const { endpoint, authorization } = toEndpoint(options.url);
  return {
    name: "sms",
    attemptMs: options.attemptMs ?? 15_000,
    laneOf: (address) => address,
    send: async (outgoing) => {
      if (!outgoing.isLeased()) {
        throw new DeliveryError("lease_lost", "the lease ended before the request");
      }
      const response = await request(endpoint, authorization, options.from, outgoing);
      if (!response.ok) throw refused(response.status, response.retryAfter, response.body);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function toEndpoint(text: string): { endpoint: string; authorization: string } {
  const url = new URL(text);
  const account = decodeURIComponent(url.username);
  const credentials = `${account}:${decodeURIComponent(url.password)}`;
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  return {
    endpoint: `${base}/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`,
    authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
  };
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: string;
}

async function request(
  endpoint: string,
  authorization: string,
  from: string,
  { address, message, stableId, traceparent, signal }: Outgoing,
): Promise<Answer> {
  try {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: {
        authorization,
        "i-twilio-idempotency-token": stableId,
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      body: new URLSearchParams({ To: address, From: from, Body: message.sms }),
      redirect: "manual",
      signal,
    });
    const { ok, status, headers } = response;
    return { ok, status, retryAfter: headers.get("retry-after"), body: await response.text() };
  } catch (cause) {
    if (signal.aborted) {
      throw new DeliveryError("silent", "the SMS provider did not answer in time", { cause });
    }
    throw new DeliveryError("unavailable", reasonOf(cause), { cause });
  }
}

/** fetch says "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `SMS provider: ${cause.message}` : "SMS provider: no connection";
}

function refused(status: number, retryAfter: string | null, body: string): DeliveryError {
  return new DeliveryError(failureOf(status), `${status}: ${messageOf(body)}`, {
    retryAfterMs: toMs(retryAfter),
  });
}

/** 401 is our own secret, 429 and 5xx the provider's state: no message is to blame. */
function failureOf(status: number): DeliveryFailure {
  if (status === 401 || status === 429 || status >= 500) return "unavailable";
  return status === 408 || status < 400 ? "temporary" : "permanent";
}

/** Twilio answers `{"code":21211,"message":"…"}`. */
function messageOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) {
      return String(parsed.message);
    }
  } catch {
    // Not JSON: shown as it came.
  }
  return body;
}

/** Seconds or a date; at most a quarter of an hour is believed. */
function toMs(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const ms = /^\d+$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : Date.parse(retryAfter) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 900_000) : undefined;
}
