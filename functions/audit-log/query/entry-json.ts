/** Entries as JSON text. The data is put in as it was stored: `1e400`, `1.0` and big integers stay what they were. */
import type { Entry } from "../record/entry-row.ts";
import type { EntryPage } from "./entries.ts";

export const toPageJson = ({ entries, next }: EntryPage): string =>
  `{"entries":[${entries.map(toEntryJson).join(",")}],"next":${JSON.stringify(next)}}`;

export function toEntryJson(entry: Entry): string {
  const before = JSON.stringify({
    source: entry.source,
    id: entry.id,
    type: entry.type,
    subject: entry.subject,
    time: entry.time,
    recorded_at: entry.recordedAt.toISOString(),
    task_id: entry.taskId,
    user_id: entry.userId,
    partition: entry.partition,
    offset: entry.offset,
  });
  return `${before.slice(0, -1)},${dataMembers(entry)},"problem":${JSON.stringify(entry.problem)}}`;
}

function dataMembers({ bytes, isJson }: Entry): string {
  if (isJson) return `"data":${bytes.toString("utf8")}`;
  if (bytes.length === 0) return `"data":null`;
  return `"data":null,"data_base64":"${bytes.toString("base64")}"`;
}
