/** Posts events to the Broker: 202 means that it has stored them. */
import pLimit from "p-limit";
import type { Logger } from "pino";
import { http } from "../../../lib/host/http.ts";

/** `refused`: it will not take this event as it is. `unavailable`: not now. */
export type Sent = "sent" | "refused" | "unavailable";

export interface Outgoing {
  /** Events of one key are sent one after the other. */
  readonly key: string;
  /** In the JSON event format. */
  readonly json: string;
}

export interface Broker extends Disposable {
  /** The outcome of each, by index. Once one is unavailable no further is tried; the rest is unavailable too. */
  readonly sendAll: (events: readonly Outgoing[]) => Promise<readonly Sent[]>;
}

/** A Broker stores what is in flight together: more at once are fewer writes there. */
const concurrency = 64;
const timeoutMs = 10_000;
/** A Broker so slow that a batch takes longer counts as unavailable: rows stay locked meanwhile. */
const batchMs = 10_000;
/** As Knative's senders do: these pass, also 404 while a route is being made. */
const passing = new Set([404, 408, 409, 425, 429]);

export function openBroker(url: string, log: Logger): Broker {
  const post = openPoster(url);
  const send = async ({ json }: Outgoing): Promise<Sent> => {
    try {
      const status = await post.send(json);
      if (status >= 200 && status < 300) return "sent";
      log.warn({ status }, "the Broker did not take an occurrence");
      return status >= 500 || status < 400 || passing.has(status) ? "unavailable" : "refused";
    } catch (error) {
      log.warn({ err: error }, "the Broker did not answer");
      return "unavailable";
    }
  };
  return {
    sendAll: (events) => sendAll(events, send),
    [Symbol.dispose]: () => post.agent.destroy(),
  };
}

async function sendAll(
  events: readonly Outgoing[],
  send: (event: Outgoing) => Promise<Sent>,
): Promise<readonly Sent[]> {
  const limit = pLimit(concurrency);
  const results = new Map<Outgoing, Sent>();
  const deadline = performance.now() + batchMs;
  let isAvailable = true;
  const sendKey = async (ofKey: readonly Outgoing[]) => {
    for (const event of ofKey) {
      if (!isAvailable || performance.now() > deadline) return;
      const result = await send(event);
      results.set(event, result);
      if (result === "unavailable") isAvailable = false;
    }
  };
  const keys = Map.groupBy(events, (event) => event.key);
  await Promise.all([...keys.values()].map((ofKey) => limit(sendKey, ofKey)));
  return events.map((event) => results.get(event) ?? "unavailable");
}

/** On node:http itself: a quarter of what fetch costs, and thousands are sent at once. */
function openPoster(url: string) {
  const { Agent, request } = url.startsWith("https:")
    ? process.getBuiltinModule("node:https")
    : http;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: concurrency,
    // Below the idle timeouts of servers, or they close under a request.
    timeout: 4_000,
  });
  const send = (json: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = {
        "content-type": "application/cloudevents+json",
        "content-length": Buffer.byteLength(json),
      };
      const signal = AbortSignal.timeout(timeoutMs);
      const posted = request(url, { method: "POST", agent, headers, signal }, (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode ?? 0)).once("error", reject);
      });
      posted.once("error", reject).end(json);
    });
  return { agent, send };
}
