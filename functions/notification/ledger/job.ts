/** One leased row of the ledger, with all that an attempt needs. */
import type { Lease } from "./lease.ts";
import type { Recipient } from "../recipient.ts";
import type { ChannelName, Content } from "./table.ts";

export interface Job {
  readonly seq: number;
  readonly channel: ChannelName;
  readonly lease: Lease;
  readonly eventKey: Buffer;
  readonly event: { readonly source: string; readonly id: string; readonly type: string };
  readonly content: Content;
  readonly traceparent: string | undefined;
  readonly userId: string;
  /** As it is now, not as it was when the event came: a corrected address counts. */
  readonly recipient: Recipient | undefined;
  /** Attempts before this one. */
  readonly attempts: number;
  /** It has been tried for as long as it may be: this attempt is the last. */
  readonly isLast: boolean;
}

/** What became of an attempt, to be written to the row. */
export interface Settlement {
  readonly seq: number;
  readonly token: string;
  readonly state: "pending" | "sent" | "suppressed" | "failed";
  /** Null with `tries` 0 keeps the row's reason. */
  readonly reason: string | null;
  /** 0 where nothing was tried. */
  readonly tries: 0 | 1;
  /** Until the row may be leased again. */
  readonly delayMs: number;
}
