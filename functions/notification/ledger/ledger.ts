/** The ledger: inbox row and notifications of an event in one transaction, once per identity. */
import { type Kysely, sql, type Transaction } from "kysely";
import { toText } from "../../../lib/store/text.ts";
import type { Arrival } from "./arrival.ts";
import type { Job } from "./job.ts";
import type { Lease } from "./lease.ts";
import { plan, type Planned } from "./plan.ts";
import { readRecipients, type Recipient } from "../recipient.ts";
import type { ChannelName, Tables } from "./table.ts";

export type Recorded = "new" | "duplicate" | "differs";

/** How many new rows this process sends itself, a channel; they are leased by the same INSERT. */
export type Room = Record<ChannelName, number>;

export interface Terms {
  readonly room: Room;
  readonly lease: Lease;
  /** How long a message is tried. */
  readonly retryHours: number;
}

export interface Batch {
  /** One an arrival, in order. */
  readonly outcomes: readonly Recorded[];
  /** Leased by this process. */
  readonly jobs: readonly Job[];
  /** The channel of each row that waits for somebody to lease it. */
  readonly unleased: readonly ChannelName[];
  readonly suppressed: readonly ChannelName[];
}

/** Commits all of them; with the first arrival of an identity every later one is compared. */
export async function recordArrivals(
  db: Kysely<Tables>,
  arrivals: readonly Arrival[],
  terms: Terms,
): Promise<Batch> {
  const firsts = new Map<string, Arrival>();
  for (const arrival of arrivals) {
    const key = keyText(arrival);
    if (!firsts.has(key)) firsts.set(key, arrival);
  }
  return db.transaction().execute(async (transaction) => {
    const stored = await insertInbox(transaction, [...firsts.values()]);
    const fresh = [...firsts.values()].filter((arrival) => !stored.has(keyText(arrival)));
    const written = await insertNotifications(transaction, fresh, terms);
    const outcomes = arrivals.map((arrival): Recorded => {
      const key = keyText(arrival);
      const first = firsts.get(key);
      if (first === arrival && !stored.has(key)) return "new";
      const hash = stored.get(key) ?? first?.contentHash;
      return hash?.equals(arrival.contentHash) === true ? "duplicate" : "differs";
    });
    return { outcomes, ...written };
  });
}

const keyText = (arrival: Arrival): string => arrival.key.toString("base64");

/** The content hashes of those that were there before. Sorted: two replicas must not wait for each other. */
async function insertInbox(
  db: Transaction<Tables>,
  arrivals: readonly Arrival[],
): Promise<ReadonlyMap<string, Buffer>> {
  const rows = arrivals
    .toSorted((a, b) => Buffer.compare(a.key, b.key))
    .map((arrival) => ({
      event_key: arrival.key,
      source: toText(arrival.source),
      id: toText(arrival.id),
      type: arrival.type,
      user_id: toText(arrival.userId),
      content_hash: arrival.contentHash,
      content: JSON.stringify(arrival.content),
      traceparent: arrival.traceparent ?? null,
    }));
  const inserted = await db
    .insertInto("inbox")
    .values(rows)
    .onConflict((conflict) => conflict.column("event_key").doNothing())
    .returning("event_key")
    .execute();
  if (inserted.length === rows.length) return new Map();
  const isNew = new Set(inserted.map((row) => row.event_key.toString("base64")));
  const keys = rows.map((row) => row.event_key).filter((key) => !isNew.has(key.toString("base64")));
  const known = await db
    .selectFrom("inbox")
    .select(["event_key", "content_hash"])
    .where("event_key", "in", keys)
    .execute();
  return new Map(known.map((row) => [row.event_key.toString("base64"), row.content_hash]));
}

async function insertNotifications(
  db: Transaction<Tables>,
  arrivals: readonly Arrival[],
  { room, lease, retryHours }: Terms,
): Promise<Omit<Batch, "outcomes">> {
  if (arrivals.length === 0) return { jobs: [], unleased: [], suppressed: [] };
  const recipients = await readRecipients(db, [...new Set(arrivals.map(({ userId }) => userId))]);
  const drafts = toDrafts(arrivals, recipients, room);
  const inserted = await db
    .insertInto("notifications")
    .values(
      drafts.map(({ arrival, planned, isLeased }) => ({
        event_key: arrival.key,
        user_id: toText(arrival.userId),
        ...planned,
        lease: isLeased ? lease.token : null,
        due_at: isLeased ? sql<Date>`now() + ${lease.ms} * interval '1 ms'` : sql<Date>`now()`,
        retry_until: sql<Date>`now() + ${retryHours} * interval '1 hour'`,
      })),
    )
    .returning(["seq", "event_key", "channel"])
    .execute();
  const seqs = new Map(inserted.map((row) => [rowText(row.channel, row.event_key), row.seq]));
  const jobs = drafts.flatMap(({ arrival, recipient, planned: { channel }, isLeased }) => {
    const seq = seqs.get(rowText(channel, arrival.key));
    return isLeased && seq !== undefined ? [toJob(seq, arrival, recipient, channel, lease)] : [];
  });
  const channelsOf = (isWanted: (draft: Draft) => boolean) =>
    drafts.filter(isWanted).map(({ planned }) => planned.channel);
  return {
    jobs,
    unleased: channelsOf(({ planned, isLeased }) => planned.state === "pending" && !isLeased),
    suppressed: channelsOf(({ planned }) => planned.state === "suppressed"),
  };
}

interface Draft {
  readonly arrival: Arrival;
  readonly recipient: Recipient | undefined;
  readonly planned: Planned;
  readonly isLeased: boolean;
}

function toDrafts(
  arrivals: readonly Arrival[],
  recipients: ReadonlyMap<string, Recipient>,
  room: Room,
): readonly Draft[] {
  const left = { ...room };
  return arrivals.flatMap((arrival) => {
    const recipient = recipients.get(arrival.userId);
    return plan(arrival.type, recipient).map((planned) => {
      const isLeased = planned.state === "pending" && left[planned.channel]-- > 0;
      return { arrival, recipient, planned, isLeased };
    });
  });
}

const rowText = (channel: ChannelName, key: Buffer): string =>
  `${channel} ${key.toString("base64")}`;

const toJob = (
  seq: number,
  arrival: Arrival,
  recipient: Recipient | undefined,
  channel: ChannelName,
  lease: Lease,
): Job => ({
  seq,
  channel,
  lease,
  eventKey: arrival.key,
  event: { source: arrival.source, id: arrival.id, type: arrival.type },
  content: arrival.content,
  traceparent: arrival.traceparent,
  userId: arrival.userId,
  recipient,
  attempts: 0,
  isLast: false,
});
