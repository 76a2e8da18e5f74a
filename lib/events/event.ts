/** One event as every function and the gateway see it, whichever of the three wire forms it came in. */

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A record's place on the topic. It is not part of the event and is never published on. */
export interface Position {
  readonly partition: number;
  /** Safe up to 2^53: a partition that takes a million records a second reaches it in 285 years. */
  readonly offset: number;
}

/** Why an event can never be handled: its code goes into metrics, its message into dead letters and the audit log. */
export interface Problem {
  readonly code:
    | "not_an_event"
    | "attribute_invalid"
    | "data_missing"
    | "data_not_json"
    | "data_too_deep"
    | "data_invalid";
  readonly message: string;
}

export interface Event {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  /** RFC 3339, as the producer wrote it. */
  readonly time: string | null;
  readonly datacontenttype: string | null;
  readonly dataschema: string | null;
  /** Extension attributes but for `knativekafkapartition` and `knativekafkaoffset`, which are the position. */
  readonly extensions: Readonly<Record<string, string>>;
  /** The data as it came, byte for byte; empty where there was none. */
  readonly bytes: Buffer;
  /** The parsed data; undefined where it is no JSON, or nested deeper than 1,000. */
  readonly data: JsonValue | undefined;
  /** `data.task_id` and `data.user_id`, never from key or partitionkey; null where data has none. */
  readonly taskId: string | null;
  readonly userId: string | null;
  /** Null for an event that was POSTed to a function directly. */
  readonly position: Position | null;
  readonly receivedAt: Date;
  /** Set where the event breaks the contract: only the audit log takes it then. */
  readonly problem: Problem | null;
}

/** The attributes of an event before its data was looked at. */
export interface Attributes {
  id: string;
  source: string;
  type: string;
  specversion: string;
  subject: string | null;
  time: string | null;
  datacontenttype: string | null;
  dataschema: string | null;
  extensions: Record<string, string>;
}
