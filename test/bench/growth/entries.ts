/** Audit entries by the million, in the shape that the function gives them: a task's life of ten events, over a year. */
import { openStore } from "../../../lib/store/database.ts";
import { keepMonthsAhead } from "../../../functions/audit-log/month-partition.ts";
import type { AuditTables } from "../../../functions/audit-log/tables.ts";
import { type BenchDatabase, filling, withClient } from "../database.ts";

export const eventsOfTask = 10;
/** The log grows because time passes, not because people come. */
export const users = 10_000;

const chunkRows = 250_000;
const connections = 2;

export interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** Of the year until now. */
export const yearBefore = (now: Date): Span => ({
  from: new Date(Date.UTC(now.getUTCFullYear() - 1, now.getUTCMonth() + 1, 1)),
  to: now,
});

/** One a month, as the Job keeps them ahead. */
export async function makeMonths({ ownerUrl }: BenchDatabase, { from }: Span): Promise<void> {
  await using store = openStore<AuditTables>({
    url: ownerUrl,
    schema: "audit",
    maxConnections: 1,
  });
  await keepMonthsAhead(store.db, from);
}

export interface Growth {
  /** Rows that are there. */
  readonly from: number;
  readonly to: number;
  /** In which all rows that will ever be there are spread evenly. */
  readonly span: Span;
  readonly last: number;
}

/** Without the function: it would take an hour. The indexes are there from the start, as in life. */
export async function growEntries(
  { adminUrl }: BenchDatabase,
  growth: Growth,
  say: (line: string) => void,
): Promise<void> {
  const starts = Array.from(
    { length: Math.ceil((growth.to - growth.from) / chunkRows) },
    (_, chunk) => growth.from + chunk * chunkRows,
  ).values();
  const fill = (): Promise<void> =>
    withClient(adminUrl, async (client) => {
      await client.query("set synchronous_commit = off");
      await client.query("set search_path = audit");
      for (const start of starts) {
        const end = Math.min(start + chunkRows, growth.to);
        await client.query(insertion(growth, start, end));
        if (end % 1_000_000 === 0) say(`${end} rows`);
      }
    });
  await filling(adminUrl, () => Promise.all(Array.from({ length: connections }, fill)));
  await withClient(adminUrl, (admin) => admin.query("vacuum analyze audit.entry, audit.entry_key"));
}

/** Rows `start` + 1 to `end`. A task's events follow each other closely; texts and bytes are as the function writes them. */
function insertion({ span, last }: Growth, start: number, end: number): string {
  const fromMs = span.from.getTime();
  const stepMs = (span.to.getTime() - fromMs) / last;
  return `
    with made as (
      select n, 'event-' || n as id, 'task-' || n / ${eventsOfTask} as task, 'user-' || n / ${eventsOfTask} % ${users} as who,
        (array['task.created', 'task.updated', 'task.updated', 'task.completed'])[1 + n % 4] as kind,
        to_timestamp((${fromMs} + n * ${stepMs}) / 1000.0) as at
      from generate_series(${start + 1}, ${end}) as n
    ), written as (
      select *, convert_to(json_build_object('task_id', task, 'user_id', who, 'payload', json_build_object(
        'title', 'Water the plants on the balcony ' || n, 'description', repeat('A step of a task like any other. ', 6)
      ))::text, 'UTF8') as data from made
    ), keys as (
      insert into entry_key (key, recorded_at, sequence, content, generation, partition, "offset")
      select sha256(convert_to(id, 'UTF8')), at, n, sha256(data), 'bench', n % 12, n / 12 from written
    )
    insert into entry (recorded_at, sequence, key, source, id, type, subject, time, datacontenttype, extensions, data,
      data_is_json, task_id, user_id, generation, partition, "offset", received_at)
    select at, n, sha256(convert_to(id, 'UTF8')), '/task-app', id, kind, task,
      to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'application/json',
      json_build_object('partitionkey', task)::text, data, true, task, who, 'bench', n % 12, n / 12, at
    from written`;
}

/** Of the entries and their keys, with all their indexes. */
export const bytesOf = ({ adminUrl }: BenchDatabase): Promise<number> =>
  withClient(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ bytes: string }>(`
      select sum(pg_total_relation_size(oid)) as bytes from pg_class
      where relnamespace = 'audit'::regnamespace and relkind = 'r' and relname like 'entry%'`);
    return Number(rows[0]?.bytes);
  });
