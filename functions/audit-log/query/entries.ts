/** Pages of entries, oldest first. No page skips an entry: sequences are given in the order of COMMIT. */
import { type Kysely, type SelectQueryBuilder, sql } from "kysely";
import { toText } from "../../../lib/store/text.ts";
import { type Entry, fromRow } from "../record/entry-row.ts";
import type { AuditTables, EntryTable } from "../tables.ts";
import { formatCursor } from "./cursor.ts";
import type { EntriesQuery } from "./entries-query.ts";

export interface EntryPage {
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

/** A page ends early here, so that 1,000 entries of 1 MiB are not one answer. */
export const pageBytes = 8 * 1024 * 1024;

type Rows = SelectQueryBuilder<AuditTables, "entry", EntryTable>;

export async function readEntries(
  db: Kysely<AuditTables>,
  query: EntriesQuery,
): Promise<EntryPage> {
  const wanted = filtered(db.selectFrom("entry").selectAll(), query)
    .orderBy("recorded_at")
    .orderBy("sequence")
    .limit(query.limit + 1)
    .as("wanted");
  const sized = db
    .selectFrom(wanted)
    .selectAll()
    // The sizes alone are summed here: data that is stored apart is not read for it.
    .select(
      sql<number>`sum(octet_length(data)) over (order by recorded_at, sequence) - octet_length(data)`.as(
        "bytes_before",
      ),
    )
    .select(sql<number>`count(*) over ()`.as("found"))
    .as("sized");
  const rows = await db
    .selectFrom(sized)
    .selectAll()
    .where("bytes_before", "<", pageBytes)
    .orderBy("recorded_at")
    .orderBy("sequence")
    .execute();
  const page = rows.slice(0, query.limit).map(fromRow);
  const last = page.at(-1);
  const hasMore = (rows[0]?.found ?? 0) > page.length;
  return { entries: page, next: hasMore && last !== undefined ? formatCursor(last) : null };
}

function filtered(rows: Rows, query: EntriesQuery): Rows {
  let found = rows;
  for (const [column, value] of [
    ["task_id", query.taskId],
    ["user_id", query.userId],
    ["type", query.type],
  ] as const) {
    if (value !== undefined) found = found.where(equalText(column, value));
  }
  if (query.source !== undefined) found = found.where("source", "=", toText(query.source));
  if (query.from !== undefined) found = found.where("recorded_at", ">=", query.from);
  if (query.to !== undefined) found = found.where("recorded_at", "<", query.to);
  const { after } = query;
  if (after === undefined) return found;
  return (
    found
      // A comparison of rows leaves out no partition; this one does.
      .where("recorded_at", ">=", after.recordedAt)
      .where(sql<boolean>`(recorded_at, sequence) > (${after.recordedAt}, ${after.sequence})`)
  );
}

/** The index has the first 256 characters. */
export const equalText = (column: "task_id" | "user_id" | "type", value: string) => {
  const text = toText(value);
  const name = sql.ref(column);
  return sql<boolean>`left(${name}, 256) = left(${text}, 256) and ${name} = ${text}`;
};
