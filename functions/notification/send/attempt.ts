/** One attempt: from a leased row to what is to be written to it. */
import { createHash } from "node:crypto";
import type { Logger } from "pino";
import type { Tracer } from "../../../lib/host/span.ts";
import { traceIdOf } from "../../../lib/host/trace.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { Channel } from "../channel/channel.ts";
import { DeliveryError, type DeliveryFailure } from "./delivery-error.ts";
import type { Job, Settlement } from "../ledger/job.ts";
import { type Clock, remainingMs } from "../ledger/lease.ts";
import { toMessage } from "../channel/message.ts";
import { addressOf, type Recipient } from "../recipient.ts";

export interface AttemptContext {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly retry: Backoff;
  readonly log: Logger;
  readonly tracer: Tracer;
}

export interface Attempted {
  readonly failure: DeliveryFailure | undefined;
  readonly retryAfterMs: number | undefined;
  /** Undefined where the row is another replica's by now. */
  readonly settlement: Settlement | undefined;
}

/** A message that could not be sent for hours gets this many attempts all the same. */
const minAttempts = 3;

/** After an outage of the provider nobody waits longer than this for the next attempt, in ms. */
const maxOutageWaitMs = 30_000;

export async function attempt(job: Job, context: AttemptContext): Promise<Attempted> {
  const { recipient } = job;
  const address = addressOf(recipient, context.channel.name);
  if (address === null || recipient === undefined) {
    return done(settlementOf(job, "suppressed", "no_address", 0, 0));
  }
  const error = await traced(job, context, (traceparent) =>
    trySend({ ...job, traceparent }, address, recipient, context),
  );
  if (error === undefined) return done(settlementOf(job, "sent", null, 1, 0));
  const { failure, message, retryAfterMs } = error;
  const isOver = job.isLast && job.attempts + 1 >= minAttempts;
  const state = failure === "permanent" || isOver ? "failed" : "pending";
  log(job, context, error, state);
  if (failure === "lease_lost") return { failure, retryAfterMs, settlement: undefined };
  const delayMs = state === "failed" ? 0 : (retryAfterMs ?? waitMs(job, failure, context.retry));
  return { failure, retryAfterMs, settlement: settlementOf(job, state, message, 1, delayMs) };
}

const done = (settlement: Settlement): Attempted => ({
  failure: undefined,
  retryAfterMs: undefined,
  settlement,
});

function waitMs(job: Job, failure: DeliveryFailure, retry: Backoff): number {
  const maxMs = failure === "unavailable" ? Math.min(maxOutageWaitMs, retry.maxMs) : retry.maxMs;
  return backoffMs(job.attempts + 1, { ...retry, maxMs });
}

export const settlementOf = (
  job: Job,
  state: Settlement["state"],
  reason: string | null,
  tries: 0 | 1,
  delayMs: number,
): Settlement => ({ seq: job.seq, token: job.lease.token, state, reason, tries, delayMs });

/** An attempt may come hours after its event: it belongs to the same trace. */
async function traced(
  job: Job,
  { tracer, channel }: AttemptContext,
  send: (traceparent: string | undefined) => Promise<DeliveryError | undefined>,
): Promise<DeliveryError | undefined> {
  const span = tracer.start(`send ${channel.name}`, {
    kind: "client",
    parent: job.traceparent,
    attributes: () => ({
      "cloudevents.event_id": job.event.id,
      "cloudevents.event_source": job.event.source,
      "cloudevents.event_type": job.event.type,
      "task_events.attempt": job.attempts + 1,
    }),
  });
  const error = await send(span.traceparent);
  span.end(error?.failure ?? "sent", error?.message);
  return error;
}

async function trySend(
  job: Job,
  address: string,
  recipient: Recipient,
  context: AttemptContext,
): Promise<DeliveryError | undefined> {
  const { channel, clock } = context;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), channel.attemptMs);
  try {
    await channel.send({
      address,
      message: toMessage(job.event.type, job.content, recipient),
      stableId: stableIdOf(job),
      traceparent: job.traceparent,
      isLeased: () => remainingMs(job.lease, clock) > 0,
      signal: deadline.signal,
    });
    return undefined;
  } catch (error) {
    if (error instanceof DeliveryError) return error;
    // A bug of ours with this message: the others go on, and this one is tried again.
    context.log.error({ err: error, ...namesOf(job) }, "a message could not be made");
    return new DeliveryError("temporary", "internal error", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** One a ledger row: event, user and channel. */
const stableIdOf = (job: Job): string =>
  createHash("sha256")
    .update(job.eventKey)
    .update(JSON.stringify([job.userId, job.channel]))
    .digest("hex")
    .slice(0, 40);

export const namesOf = (job: Job) => ({
  event_id: job.event.id,
  event_source: job.event.source,
  event_type: job.event.type,
  trace_id: traceIdOf(job.traceparent),
  channel: job.channel,
});

function log(job: Job, context: AttemptContext, error: DeliveryError, state: string): void {
  const line = { ...namesOf(job), failure: error.failure, reason: error.message };
  const text = state === "failed" ? "a notification failed" : "an attempt failed";
  context.log.warn({ ...line, attempt: job.attempts + 1 }, text);
}
