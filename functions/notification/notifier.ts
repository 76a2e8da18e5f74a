/** What the function holds open: the ledger, and a line for each channel. */
import { setTimeout as delay } from "node:timers/promises";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { type Tracer, untraced } from "../../lib/host/span.ts";
import { tokenVerifier, type VerifyToken } from "../../lib/host/token.ts";
import { openStore } from "../../lib/store/database.ts";
import { retryable } from "../../lib/store/failure.ts";
import type { Channel } from "./channel/channel.ts";
import type { NotificationEnv } from "./env.ts";
import { type Line, openLine, type Timing } from "./send/line.ts";
import { openMailChannel } from "./channel/mail.ts";
import { countSend, type NotificationMetrics, openMetrics } from "./metric.ts";
import { pruneLedger } from "./ledger/retention.ts";
import { openRecorder, type Record } from "./ledger/recorder.ts";
import { openSmsChannel } from "./channel/sms.ts";
import { schema, type Tables } from "./ledger/table.ts";

/** Of these the ledger's writer needs one, each channel two; management and metrics share them. */
const maxConnections = 5;
/** A ping keeps the function awake for at most this long. */
const pingMs = 8_000;

export interface NotifierOptions {
  readonly log: Logger;
  readonly metrics: Registry;
  readonly tracer?: Tracer;
  readonly timing?: Timing;
}

export interface Notifier extends AsyncDisposable {
  readonly db: Kysely<Tables>;
  readonly verifyToken: VerifyToken;
  readonly metrics: NotificationMetrics;
  readonly retryHours: number;
  readonly ledgerDays: number;
  readonly record: Record;
  /** Looks for due rows now, without waiting. */
  readonly poke: () => void;
  /** Forgets what is old, then sends what is due; resolves when that is done, at the latest after some seconds. */
  readonly wake: () => Promise<void>;
  /** Leases no more and ends `wake`; what is recorded from now on is still sent. */
  readonly stopLeasing: () => void;
}

export async function openNotifier(
  env: NotificationEnv,
  options: NotifierOptions,
): Promise<Notifier> {
  const { log, tracer = untraced, timing = {} } = options;
  const store = openStore<Tables>({ url: env.databaseUrl, schema, maxConnections, log });
  const { db } = store;
  const lines: Line[] = [];
  const metrics = openMetrics(options.metrics, () => lines.map(observe));
  for (const { channel, concurrency } of openChannels(env, timing)) {
    const count = countSend(metrics, channel.name);
    lines.push(openLine({ channel, concurrency, db, log, tracer, count, timing }));
  }
  const record = openRecorder({
    db,
    lines,
    timing,
    retryHours: env.retryHours,
    countSuppressed: (channel) => countSend(metrics, channel)("suppressed"),
  });
  const poke = (): void => {
    for (const { poller } of lines) poller.poke();
  };
  const stopLeasing = (): void => {
    for (const { poller } of lines) poller.stop();
  };
  // What an earlier process left is looked for at once.
  poke();
  return {
    db,
    verifyToken: tokenVerifier(env.token),
    metrics,
    retryHours: env.retryHours,
    ledgerDays: env.ledgerDays,
    record,
    poke,
    wake: async () => {
      await retryable(() => pruneLedger(db, env.ledgerDays));
      await wake(lines);
    },
    stopLeasing,
    [Symbol.asyncDispose]: async () => {
      stopLeasing();
      await Promise.all(lines.map(({ sender }) => sender.drain()));
      await store[Symbol.asyncDispose]();
    },
  };
}

function openChannels(
  env: NotificationEnv,
  { attemptMs: given }: Timing,
): readonly { channel: Channel; concurrency: number }[] {
  const attemptMs = given === undefined ? {} : { attemptMs: given };
  const mail = openMailChannel({
    url: env.smtpUrl,
    ca: env.smtpCa,
    from: env.smtpFrom,
    // As many more: for sends that take long.
    maxConnections: env.smtpConnections * 2,
    ...attemptMs,
  });
  const sms = openSmsChannel({ url: env.smsUrl, from: env.smsFrom, ...attemptMs });
  return [
    { channel: mail, concurrency: env.smtpConnections },
    { channel: sms, concurrency: env.smsConnections },
  ];
}

const observe = ({ name: channel, sender }: Line) => ({
  channel,
  inFlight: sender.inFlight,
  isDown: sender.providerWaitMs > 0,
});

async function wake(lines: readonly Line[]): Promise<void> {
  const limit = new AbortController();
  const { signal } = limit;
  const late = delay(pingMs, undefined, { ref: false, signal }).catch(() => undefined);
  await Promise.race([Promise.all(lines.map(({ poller }) => poller.wake())), late]);
  limit.abort();
}
