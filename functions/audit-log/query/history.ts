/** The events of a user between two points of the topic, for the gateway's recovery. */
import { type Kysely, sql } from "kysely";
import type { GenerationResponse, HistoryRequest } from "../../../lib/events/history.ts";
import { isJsonType, toStructured } from "../../../lib/events/structured.ts";
import { toText } from "../../../lib/store/text.ts";
import { readCoverage } from "../coverage/coverage.ts";
import { currentGeneration } from "../coverage/generation.ts";
import { runEnd } from "../coverage/offset-range.ts";
import { type Entry, fromRow } from "../record/entry-row.ts";
import type { AuditTables, EntryTable } from "../tables.ts";

/** Daprd passes bodies of at most 4 MB: a page ends early here. */
export const historyBytes = 2 * 1024 * 1024;

/** A HistoryResponse as JSON text: the data of events is embedded as it was stored. */
export async function readHistory(
  db: Kysely<AuditTables>,
  request: HistoryRequest,
): Promise<string> {
  // Before the events: what is told as covered must be among them.
  const current = await currentGeneration(db);
  if (current === undefined || current.generation !== request.generation) {
    return JSON.stringify({
      generation: current?.generation ?? "",
      covered: [],
      events: [],
      next: null,
    });
  }
  const coverage = await readCoverage(db, current.generation);
  const covered = request.from.map((from, partition) =>
    runEnd(coverage.get(partition) ?? [], from),
  );
  const rows = await selectHistory(db, request);
  const page = rows.slice(0, request.limit).map(fromRow);
  const hasMore = (rows[0]?.found ?? 0) > page.length;
  const head = JSON.stringify({ generation: current.generation, covered });
  const next = hasMore ? nextFrom(request, page) : null;
  const events = page.map(toEventJson).join(",");
  return `${head.slice(0, -1)},"events":[${events}],"next":${JSON.stringify(next)}}`;
}

const toEventJson = (entry: Entry): string => {
  const isJson = entry.isJson && isJsonType(entry.datacontenttype);
  const event = toStructured({ ...entry, data: isJson ? true : undefined });
  return `{"partition":${entry.partition},"offset":${entry.offset},"event":${event}}`;
};

/** Done partitions go on at their end, the last one after its last event. */
function nextFrom({ from, until }: HistoryRequest, page: readonly Entry[]): number[] {
  const last = page.at(-1);
  if (last === undefined) return [...from];
  const { partition: lastPartition, offset } = last;
  return from.map((first, partition) => {
    if (partition < (lastPartition ?? 0)) return Math.max(first, until[partition] ?? 0);
    return partition === lastPartition ? (offset ?? first) + 1 : first;
  });
}

type HistoryRow = EntryTable & { found: number };

/** One index scan a partition, each with the limit: the page is the first rows of them. */
async function selectHistory(
  db: Kysely<AuditTables>,
  { generation, user_id, unowned, from, until, limit }: HistoryRequest,
): Promise<HistoryRow[]> {
  const user = toText(user_id);
  const most = limit + 1;
  const inRange = sql`generation = ${generation} and problem_code is null and partition = wanted.partition
    and "offset" >= wanted.first and "offset" < wanted.until`;
  const unownedRows = unowned
    ? sql`union all (select * from entry where left(user_id, 256) is null and ${inRange}
        order by "offset" limit ${most})`
    : sql``;
  const ends = from.map((_, partition) => until[partition] ?? 0);
  const { rows } = await sql<HistoryRow>`
    select * from (
      select page.*, count(*) over () as found,
        sum(octet_length(data)) over (order by partition, "offset") - octet_length(data) as bytes_before
      from (
        select e.*
        from unnest(${from}::bigint[], ${ends}::bigint[]) with ordinality as given (first, until, number)
        cross join lateral (select number::integer - 1 as partition, first, until) wanted
        cross join lateral (
          (select * from entry
          where left(user_id, 256) = left(${user}, 256) and user_id = ${user} and ${inRange}
          order by "offset" limit ${most}) ${unownedRows}
        ) e
        where given.first < given.until
        order by e.partition, e."offset" limit ${most}
      ) page
    ) sized
    where bytes_before < ${historyBytes}
    order by partition, "offset"`.execute(db);
  return rows;
}

export async function readGeneration(
  db: Kysely<AuditTables>,
  topic: string,
): Promise<GenerationResponse> {
  const current = await currentGeneration(db);
  if (current === undefined) return { topic, generation: "", covered: [] };
  const { generation, begins } = current;
  const coverage = await readCoverage(db, generation);
  const partitions = Math.max(begins.length, ...[...coverage.keys()].map((index) => index + 1));
  const covered = Array.from({ length: partitions }, (_, partition) =>
    runEnd(coverage.get(partition) ?? [], begins[partition] ?? 0),
  );
  return { topic, generation, covered };
}
