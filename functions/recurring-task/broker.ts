/** Posts events to the Broker: 202 means that it has stored them. */
import pLimit from "p-limit";
import type { Logger } from "pino";

/** `refused`: it will not take this event as it is. `unavailable`: not now. */
export type Sent = "sent" | "refused" | "unavailable";

export interface Outgoing {
  /** Events of one key are sent one after the other. */
  readonly key: string;
  /** In the JSON event format. */
  readonly json: string;
}

export interface Broker {
  /** The outcome of each, by index. Once one is unavailable no further is tried; the rest is unavailable too. */
  readonly sendAll: (events: readonly Outgoing[]) => Promise<readonly Sent[]>;
}

const concurrency = 32;
const timeoutMs = 10_000;
/** A Broker so slow that a batch takes longer counts as unavailable: rows stay locked meanwhile. */
const batchMs = 10_000;
/** As Knative's senders do: these pass, also 404 while a route is being made. */
const passing = new Set([404, 408, 409, 425, 429]);

export function openBroker(url: string, log: Logger): Broker {
  return {
    async sendAll(events) {
      const limit = pLimit(concurrency);
      const results = Array.from<Sent>({ length: events.length }).fill("unavailable");
      const deadline = performance.now() + batchMs;
      let isAvailable = true;
      const sendKey = async (indexes: readonly number[]) => {
        for (const index of indexes) {
          if (!isAvailable || performance.now() > deadline) return;
          const result = await send(url, events[index]?.json ?? "", log);
          results[index] = result;
          if (result === "unavailable") isAvailable = false;
        }
      };
      await Promise.all(byKey(events).map((indexes) => limit(sendKey, indexes)));
      return results;
    },
  };
}

function byKey(events: readonly Outgoing[]): number[][] {
  const groups = Map.groupBy(events.keys(), (index) => events[index]?.key);
  return [...groups.values()];
}

async function send(url: string, json: string, log: Logger): Promise<Sent> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body: json,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (response.ok) return "sent";
    const { status } = response;
    log.warn({ status, answer: text.slice(0, 300) }, "the Broker did not take an occurrence");
    return status >= 500 || status < 400 || passing.has(status) ? "unavailable" : "refused";
  } catch (error) {
    log.warn({ err: error }, "the Broker did not answer");
    return "unavailable";
  }
}
