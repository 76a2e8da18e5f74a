/** How long the ledger remembers an event: what is older is deleted, and would not be told to anybody again. */
import { type Kysely, sql } from "kysely";
import { effectiveTime } from "../../../lib/events/time.ts";
import type { Tables } from "./table.ts";

/** A few thousand at once: a backlog is gone after some pings. */
const pruneLimit = 5_000;
const dayMs = 86_400_000;

/** A redelivery of such an event may meet a ledger that has forgotten it. */
export const isForgotten = (
  event: { time: string | null; receivedAt: Date },
  ledgerDays: number,
): boolean => event.receivedAt.getTime() - effectiveTime(event).getTime() > ledgerDays * dayMs;

/** Deletes events with their notifications, but none that is still to be sent. */
export async function pruneLedger(db: Kysely<Tables>, ledgerDays: number): Promise<void> {
  await sql`
    with old as (
      select event_key from inbox i
      where recorded_at < now() - ${ledgerDays} * interval '1 day' and not exists (
        select from notifications n where n.event_key = i.event_key and n.state = 'pending'
      )
      order by recorded_at limit ${pruneLimit}
    ), gone as (
      delete from notifications n using old where n.event_key = old.event_key
    )
    delete from inbox i using old where i.event_key = old.event_key`.execute(db);
}
