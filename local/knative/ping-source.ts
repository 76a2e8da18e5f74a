/** PingSource: POSTs an event to its sink whenever its schedule is due. A ping that fails is lost. */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Cron } from "croner";
import type { Report } from "../report.ts";
import { deliver, type Attempt } from "./delivery/delivery.ts";
import type { DeliveryPolicy } from "./delivery/delivery-policy.ts";
import {
  adapterRedirects,
  openHttpSender,
  type HttpSender,
  type SinkRequest,
} from "./delivery/http-sender.ts";

export interface PingSource {
  readonly namespace: string;
  readonly name: string;
  readonly schedule: string;
  readonly timezone?: string | undefined;
  readonly contentType?: string | undefined;
  readonly data?: string | undefined;
  readonly dataBase64?: string | undefined;
  /** `ceOverrides.extensions` */
  readonly extensions?: Readonly<Record<string, string>> | undefined;
}

/** What a test puts in place of time and chance. */
export interface Clock {
  now(): Date;
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** At least 0, below 1. */
  random(): number;
}

export interface PingSourceOptions {
  readonly source: PingSource;
  readonly sinkUrl: string;
  /** The function at the sink, as the report calls it. */
  readonly functionName: string;
  readonly report: Report;
  readonly clock?: Clock;
}

const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => wait(ms, undefined, { signal }),
  random: Math.random,
};

/** The adapter's: 100, 200, 400, 800 and 1600 ms, no dead letter sink. Its client has no timeout of its own. */
const policy: DeliveryPolicy = {
  retry: 5,
  backoffPolicy: "exponential",
  backoffDelayMs: 50,
  timeoutMs: 600_000,
};

/** The set of the Go SDK for CloudEvents, which is not the dispatcher's: 500 and 408 are not in it. */
const retried = new Set([404, 413, 425, 429, 502, 503, 504]);
const isRetried = (status: number | null): boolean => status === null || retried.has(status);

/** Many PingSources must not all start at the full minute. */
const maxDelayMs = 500;
/** Timers hold no more than 24 days and sleep with the machine: the clock is looked at again this often. */
const maxSleepMs = 60_000;

/** Throws where croner refuses the schedule or the time zone. */
export function startPingSource(options: PingSourceOptions): AsyncDisposable {
  const { source, clock = systemClock } = options;
  const cron = new Cron(source.schedule, {
    paused: true,
    ...(source.timezone === undefined ? {} : { timezone: source.timezone }),
  });
  const stopping = new AbortController();
  const sender = openHttpSender({ redirects: adapterRedirects, keepsData: false });
  const pings = new Set<Promise<unknown>>();
  const first = cron.nextRun(clock.now());
  const running = runSchedule({ cron, first, clock, signal: stopping.signal }, () => {
    const ping = send(options, clock, sender, stopping.signal);
    pings.add(ping);
    void ping.finally(() => pings.delete(ping));
  });
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
      await Promise.all(pings);
      sender[Symbol.dispose]();
    },
  };
}

interface Schedule {
  readonly cron: Cron;
  readonly first: Date | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function runSchedule({ cron, first, clock, signal }: Schedule, onDue: () => void) {
  for (let due = first; due !== null; due = cron.nextRun(clock.now())) {
    try {
      const delayMs = clock.random() * maxDelayMs;
      await sleepUntil(due.getTime() + delayMs, clock, signal);
    } catch {
      return;
    }
    onDue();
  }
}

async function sleepUntil(atMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let ms = atMs - clock.now().getTime(); ms > 0; ms = atMs - clock.now().getTime()) {
    await clock.sleep(Math.min(ms, maxSleepMs), signal);
  }
  signal.throwIfAborted();
}

async function send(
  { source, sinkUrl, functionName, report }: PingSourceOptions,
  clock: Clock,
  sender: HttpSender,
  stopping: AbortSignal,
): Promise<void> {
  const message = toPing(source, clock.now());
  const event = {
    source: message.headers["ce-source"] ?? "",
    id: message.headers["ce-id"] ?? "",
    type: message.headers["ce-type"] ?? "",
  };
  const context = {
    sender,
    stopping,
    abandoning: stopping,
    onLoss: () =>
      report.note(
        source.name,
        "a ping is lost: nobody took it. Knative loses it silently",
        "warning",
      ),
    onAttempt: (attempt: Attempt) =>
      report.delivery({ function: functionName, event, at: clock.now(), ...attempt }),
  };
  await deliver(message, { sinkUrl, policy, isRetried }, context);
}

export function toPing(source: PingSource, now: Date): SinkRequest {
  const headers: Record<string, string> = {
    "ce-specversion": "1.0",
    "ce-id": randomUUID(),
    "ce-source": `/apis/v1/namespaces/${source.namespace}/pingsources/${source.name}`,
    "ce-type": "dev.knative.sources.ping",
    "ce-time": now.toISOString(),
    "kn-namespace": source.namespace,
  };
  if (source.contentType !== undefined) headers["content-type"] = source.contentType;
  for (const [name, value] of Object.entries(source.extensions ?? {}))
    headers[`ce-${name}`] = value;
  const body =
    source.dataBase64 === undefined
      ? Buffer.from(source.data ?? "", "utf8")
      : Buffer.from(source.dataBase64, "base64");
  return { headers, body };
}
