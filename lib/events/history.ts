/** What the gateway asks audit-log for, by Dapr invocation: the events of a user between two points of the topic. */
import { type Static, Type } from "typebox";

/** One offset a partition, index = partition. */
const vector = Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 10_000 });

/** `POST /history`, with a token signed by SERVICE_TOKEN_KEY (HS256, `aud` "audit-log", `exp` at most 60 s away). */
export const historyRequestSchema = Type.Object(
  {
    user_id: Type.String({ minLength: 1, maxLength: 256 }),
    /** With the events that have no user (an admin's view). */
    unowned: Type.Boolean(),
    generation: Type.String({ maxLength: 256 }),
    /** First offset wanted, a partition. */
    from: vector,
    /** First offset not wanted, a partition. */
    until: vector,
    limit: Type.Integer({ minimum: 1, maximum: 1000 }),
  },
  { additionalProperties: false },
);

export type HistoryRequest = Static<typeof historyRequestSchema>;

export interface HistoryResponse {
  /** The topic's present generation. Where it is not the asked one, nothing else is told. */
  readonly generation: string;
  /** The end of the gapless run that begins at `from`, a partition: all before it is recorded. */
  readonly covered: readonly number[];
  /** By partition, then offset; `event` in the JSON event format. Events with a problem are left out. */
  readonly events: readonly { partition: number; offset: number; event: object }[];
  /** `from` of the next page, or null at the end. */
  readonly next: readonly number[] | null;
}

/** `GET /generation`, with the same token: `covered` as above, from offset 0 or the topic's beginning. */
export interface GenerationResponse {
  readonly topic: string;
  readonly generation: string;
  readonly covered: readonly number[];
}

export const serviceAudience = "audit-log";
