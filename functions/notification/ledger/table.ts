/** The tables of the schema `notification`, as Kysely sees them. */
import type { ColumnType, Generated, JSONColumnType } from "kysely";

export const schema = "notification";

export const channels = ["email", "sms"] as const;
export type ChannelName = (typeof channels)[number];

export type State = "pending" | "sent" | "suppressed" | "failed";

/** What a message needs of its event; kept, because it may be sent hours later. */
export interface Content {
  readonly taskId: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly dueAt: string | null;
  readonly occurrenceAt: string | null;
}

interface InboxTable {
  /** SHA-256 of source and id: ids of 12 KB do not fit an index. */
  event_key: Buffer;
  source: string;
  id: string;
  type: string;
  user_id: string;
  content_hash: Buffer;
  content: JSONColumnType<Content>;
  traceparent: string | null;
  recorded_at: Generated<Date>;
}

interface NotificationsTable {
  seq: Generated<number>;
  event_key: Buffer;
  user_id: string;
  channel: ChannelName;
  state: State;
  reason: string | null;
  attempts: Generated<number>;
  /** When a pending row may be leased next: of a leased one, when its lease ends. */
  due_at: ColumnType<Date, Date | undefined, Date>;
  lease: string | null;
  retry_until: ColumnType<Date, Date | undefined, Date>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export type Preferences = Readonly<Record<string, readonly ChannelName[]>>;

interface RecipientsTable {
  user_id: string;
  email: string | null;
  phone: string | null;
  locale: string;
  time_zone: string;
  channels: JSONColumnType<Preferences>;
  updated_at: Generated<Date>;
}

export interface Tables {
  inbox: InboxTable;
  notifications: NotificationsTable;
  recipients: RecipientsTable;
}
