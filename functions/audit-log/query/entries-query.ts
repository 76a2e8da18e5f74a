/** The query of `GET /entries`: every wrong value is a sentence. */
import { parseTime } from "../../../lib/events/time.ts";
import { PermanentError } from "../../../lib/host/error.ts";
import { type EntryCursor, parseCursor } from "./cursor.ts";

export interface EntriesQuery {
  readonly taskId: string | undefined;
  readonly userId: string | undefined;
  readonly type: string | undefined;
  readonly source: string | undefined;
  /** Of recorded_at; inclusive. */
  readonly from: Date | undefined;
  /** Of recorded_at; exclusive. */
  readonly to: Date | undefined;
  readonly limit: number;
  readonly after: EntryCursor | undefined;
}

const names = new Set("task_id user_id type source from to limit cursor".split(" "));

const refused = (sentence: string): PermanentError =>
  new PermanentError("query_invalid", sentence, { status: 400 });

export function parseEntriesQuery(query: Readonly<Record<string, unknown>>): EntriesQuery {
  for (const name of Object.keys(query)) {
    if (!names.has(name)) throw refused(`${name} is not known: ask by ${[...names].join(", ")}.`);
  }
  const text = (name: string): string | undefined => {
    const value = query[name];
    if (value === undefined || (typeof value === "string" && value !== "")) return value;
    throw refused(`${name} must be given once and not be empty.`);
  };
  return {
    taskId: text("task_id"),
    userId: text("user_id"),
    type: text("type"),
    source: text("source"),
    from: instant("from", text("from")),
    to: instant("to", text("to")),
    limit: toLimit(text("limit")),
    after: toCursor(text("cursor")),
  };
}

function instant(name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const at = parseTime(text);
  if (at === undefined) {
    throw refused(`${name} must be an RFC 3339 time such as 2026-12-31T09:00:00Z.`);
  }
  return new Date(at);
}

function toLimit(text = "100"): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 1000) return limit;
  throw refused("limit must be a whole number from 1 to 1000.");
}

function toCursor(text: string | undefined): EntryCursor | undefined {
  if (text === undefined) return undefined;
  const cursor = parseCursor(text);
  if (cursor === undefined) throw refused("cursor must be the next of an earlier answer.");
  return cursor;
}
