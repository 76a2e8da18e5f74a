/** The tables of the schema `recurring`. */
import type { Generated, JSONColumnType } from "kysely";
import type { Recurrence } from "./recurrence/recurrence.ts";

/** `none`: a task without a recurrence. `deleted`: the tombstone of a task. */
export type SeriesState = "none" | "active" | "ended" | "deleted";

export interface SeriesTable {
  task_id: string;
  user_id: string;
  state: SeriesState;
  recurrence: JSONColumnType<Recurrence> | null;
  fields: string;
  has_all_fields: boolean;
  rule_place: string | null;
  fields_place: string | null;
  watermark: Date | null;
  next_occurrence_at: Date | null;
  claimed_at: Date | null;
  zone_data_version: string | null;
  traceparent: string | null;
  updated_at: Date;
}

export interface InboxTable {
  identity: Buffer;
  digest: Buffer;
  received_at: Date;
}

export interface OutboxTable {
  id: Generated<number>;
  event_id: string;
  task_id: string;
  occurrence_at: Date;
  event: string;
  size: number;
  attempts: Generated<number>;
  next_attempt_at: Date;
  refused: string | null;
}

export interface Tables {
  series: SeriesTable;
  inbox: InboxTable;
  outbox: OutboxTable;
}
