/** One channel at work: its sender, and the poller that leases for it. */
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import type { Tracer } from "../../../lib/host/span.ts";
import type { Channel } from "../channel/channel.ts";
import { type Clock, systemClock } from "../ledger/lease.ts";
import { leaseDue, nextDueMs, settle } from "../ledger/outbox.ts";
import { Poller } from "./poller.ts";
import { Sender, type SendOutcome } from "./sender.ts";
import { Settler } from "../ledger/settler.ts";
import type { ChannelName, Tables } from "../ledger/table.ts";

/** What tests shorten or fix. */
export interface Timing {
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Longer than any attempt with its waiting in the queue; and the longest delay after a crash. */
  readonly leaseMs?: number;
  /** The whole of one attempt. */
  readonly attemptMs?: number;
  /** A send that takes longer is slow: it frees its place for others. */
  readonly slowMs?: number;
  /** Between the attempts of one message. */
  readonly retry?: { readonly baseMs: number; readonly maxMs: number };
  /** Before a provider, a domain or a number that did not answer is tried again. */
  readonly spare?: { readonly baseMs: number; readonly maxMs: number };
}

export const timing = {
  clock: systemClock,
  random: Math.random,
  leaseMs: 90_000,
  slowMs: 1_000,
  retry: { baseMs: 5_000, maxMs: 15 * 60_000 },
  spare: { baseMs: 1_000, maxMs: 30_000 },
} satisfies Timing;

export interface LineOptions {
  readonly channel: Channel;
  readonly concurrency: number;
  readonly db: Kysely<Tables>;
  readonly log: Logger;
  readonly tracer: Tracer;
  readonly count: (outcome: SendOutcome) => void;
  readonly timing: Timing;
}

export interface Line {
  readonly name: ChannelName;
  readonly sender: Sender;
  readonly poller: Poller;
}

export function openLine({ channel, db, log, timing: given, ...options }: LineOptions): Line {
  const { name } = channel;
  const { clock, random, leaseMs, ...pace } = { ...timing, ...given };
  const settler = new Settler({ write: (settlements) => settle(db, settlements), log });
  const sender = new Sender({ ...options, ...pace, channel, settler, clock, random, log });
  const poller = new Poller({
    sender,
    clock,
    log,
    leaseMs,
    leaseDue: (limit, lease) => leaseDue(db, name, limit, lease),
    nextDueMs: () => nextDueMs(db, name),
  });
  return { name, sender, poller };
}
