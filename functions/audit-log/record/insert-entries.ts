/** Writes new entries, their keys, the coverage and the end of the log in one round trip, while all replicas wait. */
import { type Insertable, type RawBuilder, sql, type Transaction } from "kysely";
import { cover, type Coverage, covering } from "../coverage/coverage.ts";
import type { AuditTables, EntryTable } from "../tables.ts";
import type { Arrival } from "./arrival.ts";
import { toRow } from "./entry-row.ts";

type Column = keyof EntryTable;

/** One array a column: planning a VALUES list costs PostgreSQL nearly as much as the insert. */
const columnTypes: Readonly<Record<Column, string>> = {
  recorded_at: "timestamptz",
  sequence: "bigint",
  key: "bytea",
  source: "text",
  id: "text",
  type: "text",
  subject: "text",
  time: "text",
  datacontenttype: "text",
  dataschema: "text",
  extensions: "text",
  data: "bytea",
  data_is_json: "boolean",
  task_id: "text",
  user_id: "text",
  generation: "text",
  partition: "integer",
  offset: "bigint",
  problem_code: "text",
  problem_message: "text",
  received_at: "timestamptz",
};

// Object.keys of a literal are its keys.
const columns = Object.keys(columnTypes) as Column[];
const names = sql.join(columns.map((column) => sql.ref(column)));

export interface Place {
  readonly recordedAt: Date;
  readonly generation: string;
  /** The sequence of the entry before. */
  readonly after: number;
  /** Of the whole batch. */
  readonly coverage: Coverage;
}

/** Sequences are gapless: a missing one is a missing entry. */
export async function insertEntries(
  trx: Transaction<AuditTables>,
  fresh: readonly Arrival[],
  { recordedAt, generation, after, coverage }: Place,
): Promise<void> {
  if (fresh.length === 0) return cover(trx, generation, coverage);
  const rows = fresh.map(({ event, key }, index) =>
    toRow(event, { key, recordedAt, generation, sequence: after + 1 + index }),
  );
  const contents = fresh.map(({ content }) => content);
  await sql`
    with arriving as (
      select * from unnest(${contents}::bytea[], ${arraysOf(rows)}) as arriving (content, ${names})
    ), keys as (
      insert into entry_key (key, content, recorded_at, sequence, generation, partition, "offset")
      select key, content, recorded_at, sequence, generation, partition, "offset"
      from arriving order by key
    ), entries as (
      insert into entry (${names}) select ${names} from arriving
    ), covered as (${covering(generation, coverage)}
    )
    update log_end set recorded_at = ${recordedAt}, sequence = ${after + fresh.length}`.execute(
    trx,
  );
}

const arraysOf = (rows: readonly Insertable<EntryTable>[]): RawBuilder<unknown> =>
  sql.join(
    columns.map((column) => {
      const values = rows.map((row) => row[column] ?? null);
      return sql`${values}::${sql.raw(columnTypes[column])}[]`;
    }),
  );
