/** A ping: publishes what is due, in bounded steps, and leaves the rest to the next one. */
import type { Event } from "../../../lib/events/event.ts";
import { RetryableError } from "../../../lib/host/error.ts";
import type { HandlerContext, Outcome } from "../../../lib/host/function.ts";
import { retryable } from "../../../lib/store/failure.ts";
import { claimBatch, type ClaimCursor, type Claimed } from "./claim.ts";
import { pruneInbox } from "../series/inbox.ts";
import { sendBatch } from "./outbox.ts";
import type { Resources } from "../resources.ts";
import { recomputeBatch } from "../recurrence/zone-data.ts";

/** What the ping says counts for nothing: due is what the watermarks and the clock say. */
export async function fire(
  _: Pick<Event, "id">,
  { resources, log, traceparent }: HandlerContext<Resources>,
): Promise<Outcome> {
  const startedAt = performance.now();
  const now = resources.now();
  const mayGoOn = () =>
    performance.now() - startedAt < resources.env.pingBudgetMs &&
    !resources.stopping.signal.aborted;
  const published = await retryable(() => publishDue(resources, now, traceparent, mayGoOn));
  await retryable(() => pruneInbox(resources.db, new Date(now.getTime() - resources.env.inboxMs)));
  const ms = Math.round(performance.now() - startedAt);
  if (published > 0) log.info({ published, ms }, "occurrences published");
  return "done";
}

/**
 * Sent are first the occurrences that an earlier ping decided: nothing new is decided while the Broker is down. Then
 * one batch is decided while the one before is sent.
 */
async function publishDue(
  resources: Resources,
  now: Date,
  traceparent: string | undefined,
  mayGoOn: () => boolean,
): Promise<number> {
  while (mayGoOn() && (await recomputeBatch(resources.db, resources.log)));
  let published = await drainOutbox(resources, mayGoOn);
  const claim = (cursor: ClaimCursor | null) => claimBatch(resources, now, cursor, traceparent);
  let claimed: Claimed | null = await claim(null);
  while (claimed !== null) {
    const { cursor, occurrences }: Claimed = claimed;
    const [sent, next]: [number, Claimed | null] = await bothDone(
      occurrences > 0 ? drainOutbox(resources, mayGoOn) : Promise.resolve(0),
      cursor !== null && mayGoOn() ? claim(cursor) : Promise.resolve(null),
    );
    published += sent;
    claimed = next;
  }
  return published;
}

/** A failure of the one is told when the other has ended too: nothing goes on behind an answer. */
async function bothDone<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

async function drainOutbox(resources: Resources, mayGoOn: () => boolean): Promise<number> {
  const { db, broker, metrics, now } = resources;
  let published = 0;
  for (;;) {
    const { sent, refused, isUnavailable, isLast } = await sendBatch(db, broker, now());
    metrics.published.inc(sent);
    metrics.refused.inc(refused);
    published += sent;
    if (isUnavailable) {
      throw new RetryableError("broker_unavailable", "the Broker does not take occurrences now");
    }
    if (isLast || !mayGoOn()) return published;
  }
}
