/** What the log knows of one event: its entry, the records of its duplicates, what it triggered. `GET /trace`. */
import type { Kysely, Selectable } from "kysely";
import { identityKey } from "../../../lib/events/identity.ts";
import { taskRecurringTriggered } from "../../../lib/events/task.ts";
import { toText } from "../../../lib/store/text.ts";
import { type Entry, fromRow } from "../record/entry-row.ts";
import type { AuditTables, EntryTable } from "../tables.ts";
import { equalText } from "./entries.ts";

export interface TraceQuery {
  readonly id: string;
  /** Without it: every event with this id, at most 20. */
  readonly source: string | undefined;
}

const maxEvents = 20;
const maxTriggered = 100;

type Row = Selectable<EntryTable>;

export async function readTrace(db: Kysely<AuditTables>, query: TraceQuery) {
  const rows = await findEntries(db, query);
  const events = [];
  for (const row of rows) {
    events.push({
      ...toJson(fromRow(row)),
      received_at: row.received_at.toISOString(),
      generation: row.generation,
      duplicates: await findDuplicates(db, row.key),
      triggered: await findTriggered(db, row),
    });
  }
  return { events };
}

async function findEntries(
  db: Kysely<AuditTables>,
  { id, source }: TraceQuery,
): Promise<readonly Row[]> {
  let query = db.selectFrom("entry").selectAll().where("id", "=", toText(id));
  if (source !== undefined) query = query.where("key", "=", identityKey({ source, id }));
  return query.orderBy("recorded_at").orderBy("sequence").limit(maxEvents).execute();
}

async function findDuplicates(db: Kysely<AuditTables>, key: Buffer) {
  const rows = await db
    .selectFrom("duplicate")
    .select(["recorded_at", "partition", "offset", "differs"])
    .where("key", "=", key)
    .orderBy("recorded_at")
    .limit(maxTriggered)
    .execute();
  return rows.map(({ recorded_at, ...row }) => ({
    ...row,
    recorded_at: recorded_at.toISOString(),
  }));
}

/** Occurrences of its task from then on. Which of them are the event's own, the trace id in their traceparent tells. */
async function findTriggered(db: Kysely<AuditTables>, row: Row) {
  const { taskId } = fromRow(row);
  if (taskId === null || row.type === taskRecurringTriggered.type) return [];
  const rows = await db
    .selectFrom("entry")
    .selectAll()
    .where(equalText("task_id", taskId))
    .where("type", "=", taskRecurringTriggered.type)
    .where("recorded_at", ">=", row.recorded_at)
    .orderBy("recorded_at")
    .orderBy("sequence")
    .limit(maxTriggered)
    .execute();
  return rows.map((found) => toJson(fromRow(found)));
}

const toJson = (entry: Entry) => ({
  source: entry.source,
  id: entry.id,
  type: entry.type,
  subject: entry.subject,
  time: entry.time,
  task_id: entry.taskId,
  user_id: entry.userId,
  extensions: entry.extensions,
  recorded_at: entry.recordedAt.toISOString(),
  partition: entry.partition,
  offset: entry.offset,
  problem: entry.problem,
});
