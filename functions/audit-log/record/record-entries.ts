/** Writes new entries, their keys, the coverage and the end of the log in one call, while all replicas wait. */
import { CompiledQuery, type Kysely } from "kysely";
import { type Elements, type ElementType, toBinaryArray } from "../../../lib/store/binary-array.ts";
import type { Coverage } from "../coverage/coverage.ts";
import { formatRanges } from "../coverage/offset-range.ts";
import type { AuditTables } from "../tables.ts";
import type { Arrival } from "./arrival.ts";
import { type NewEntry, toRow } from "./entry-row.ts";

/** One array a column: planning a VALUES list costs PostgreSQL nearly as much as the insert. */
const columnTypes = {
  key: "bytea",
  content: "bytea",
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
  // Wider than its column: one that does not fit is an error of its row, not of the message.
  partition: "bigint",
  offset: "bigint",
  problem_code: "text",
  problem_message: "text",
  received_at: "timestamptz",
} as const satisfies Readonly<Record<keyof NewEntry, ElementType>>;

// Object.keys of a literal are its keys.
const columns = Object.keys(columnTypes) as (keyof NewEntry)[];

const call = `select record_entries(${[
  "is_sifted => $1",
  "now => $2",
  "covered_partition => $3::bigint[]",
  "covered_offsets => $4::text[]",
  ...columns.map((name, index) => `new_${name} => $${index + 5}::${columnTypes[name]}[]`),
].join(", ")}) as is_recorded`;

export interface EntriesOptions {
  /** The caller holds the lock of the log's end, and knows that all of them are new. */
  readonly isSifted: boolean;
  /** By default the clock of the database. */
  readonly now: Date | undefined;
  readonly coverage: Coverage;
}

/**
 * False where the log knows one of the keys, or one of the offsets, or no generation has begun: then nothing was
 * written. Sequences are gapless: a missing one is a missing entry.
 */
export async function recordEntries(
  db: Kysely<AuditTables>,
  arrivals: readonly Arrival[],
  { isSifted, now, coverage }: EntriesOptions,
): Promise<boolean> {
  const entries = arrivals.map(toRow);
  const partitions = [...coverage.keys()];
  const offsets = [...coverage.values()].map(formatRanges);
  const { rows } = await db.executeQuery<{ is_recorded: boolean }>(
    CompiledQuery.raw(call, [
      isSifted,
      now ?? null,
      toBinaryArray("bigint", partitions),
      toBinaryArray("text", offsets),
      ...columns.map((name) => toColumn(entries, name)),
    ]),
  );
  return rows[0]?.is_recorded === true;
}

const toColumn = (entries: readonly NewEntry[], name: keyof NewEntry): Buffer =>
  // By `satisfies` of the table; TypeScript does not tie a member's type to its own name.
  toBinaryArray(columnTypes[name], entries.map((entry) => entry[name]) as Elements<ElementType>);
