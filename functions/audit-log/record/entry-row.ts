/** An event as the row that keeps it, and back. */
import type { Selectable } from "kysely";
import { parseJson } from "../../../lib/events/json.ts";
import { fromNullableText, fromText, toNullableText, toText } from "../../../lib/store/text.ts";
import type { EntryTable } from "../tables.ts";
import type { Arrival } from "./arrival.ts";

/** What an entry has of its own: its place in the log is given to it when it is written. */
export type NewEntry = Omit<EntryTable, "recorded_at" | "sequence" | "generation"> & {
  readonly content: Buffer;
};

export function toRow({ event, key, content }: Arrival): NewEntry {
  const { position, problem } = event;
  return {
    key,
    content,
    source: toText(event.source),
    id: toText(event.id),
    type: toText(event.type),
    subject: toNullableText(event.subject),
    time: toNullableText(event.time),
    datacontenttype: toNullableText(event.datacontenttype),
    dataschema: toNullableText(event.dataschema),
    extensions: JSON.stringify(event.extensions),
    data: event.bytes,
    data_is_json: event.data !== undefined || isJson(event.bytes),
    task_id: toNullableText(event.taskId),
    user_id: toNullableText(event.userId),
    partition: position?.partition ?? null,
    offset: position?.offset ?? null,
    problem_code: problem?.code ?? null,
    problem_message: problem === null ? null : toText(problem.message),
    received_at: event.receivedAt,
  };
}

const isJson = (bytes: Buffer): boolean => bytes.length > 0 && "value" in parseJson(bytes);

/** An entry as it is read back: texts as they came, the data as bytes. */
export interface Entry {
  readonly recordedAt: Date;
  readonly sequence: number;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly subject: string | null;
  readonly time: string | null;
  readonly datacontenttype: string | null;
  readonly dataschema: string | null;
  readonly extensions: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly isJson: boolean;
  readonly taskId: string | null;
  readonly userId: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export function fromRow(row: Selectable<EntryTable>): Entry {
  const problem = toProblem(row);
  return {
    recordedAt: row.recorded_at,
    sequence: row.sequence,
    source: fromText(row.source),
    id: fromText(row.id),
    type: fromText(row.type),
    subject: fromNullableText(row.subject),
    time: fromNullableText(row.time),
    datacontenttype: fromNullableText(row.datacontenttype),
    dataschema: fromNullableText(row.dataschema),
    // Written by toRow alone.
    extensions: JSON.parse(row.extensions) as Record<string, string>,
    bytes: row.data,
    isJson: row.data_is_json,
    taskId: fromNullableText(row.task_id),
    userId: fromNullableText(row.user_id),
    partition: row.partition,
    offset: row.offset,
    problem,
  };
}

function toProblem(row: Selectable<EntryTable>): { code: string; message: string } | null {
  const { problem_code: code, problem_message: message } = row;
  return code === null ? null : { code, message: fromText(message ?? "") };
}
