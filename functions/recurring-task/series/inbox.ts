/** Which events were taken in: one row an identity, in the transaction of what they changed. */
import { createHash } from "node:crypto";
import { type Kysely, sql, type Transaction } from "kysely";
import type { Event } from "../../../lib/events/event.ts";
import { PermanentError } from "../../../lib/host/error.ts";
import type { Tables } from "../table.ts";

/** False where the event was taken in before. A duplicate with other content is refused: one of the two would be lost. */
export async function enterInbox(trx: Transaction<Tables>, event: Event): Promise<boolean> {
  const identity = digestOf(event.source, event.id);
  // Whitespace may differ: the dispatcher writes structured data anew.
  const digest = digestOf(event.type, JSON.stringify(event.data) ?? "");
  const entered = await trx
    .insertInto("inbox")
    .values({ identity, digest, received_at: event.receivedAt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (entered.numInsertedOrUpdatedRows === 1n) return true;
  const first = await trx
    .selectFrom("inbox")
    .select("digest")
    .where("identity", "=", identity)
    .executeTakeFirst();
  if (first !== undefined && !digest.equals(first.digest)) {
    throw new PermanentError(
      "duplicate_differs",
      "an event of this source and id was handled before, with other content",
    );
  }
  return false;
}

const digestOf = (...parts: string[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
};

/** When the event was taken in; null where it was not, or so long ago that it was forgotten. */
export async function takenInAt(
  db: Kysely<Tables>,
  event: { readonly source: string; readonly id: string },
): Promise<Date | null> {
  const row = await db
    .selectFrom("inbox")
    .select("received_at")
    .where("identity", "=", digestOf(event.source, event.id))
    .executeTakeFirst();
  return row?.received_at ?? null;
}

/** A few thousand at once: a backlog is gone after some pings. */
const pruneLimit = 5_000;

/** Later duplicates are older than what the series stores, and ignored for that. */
export async function pruneInbox(db: Kysely<Tables>, before: Date): Promise<void> {
  await sql`
    delete from inbox where identity in (
      select identity from inbox where received_at < ${before} limit ${pruneLimit}
      for update skip locked
    )`.execute(db);
}
