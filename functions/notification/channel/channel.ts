/** What e-mail and SMS have in common: a way to send one message within a time, or to say why not. */
import type { Message } from "./message.ts";
import type { ChannelName } from "../ledger/table.ts";

export interface Outgoing {
  readonly address: string;
  readonly message: Message;
  /** The same for every attempt of one ledger row, so that a second delivery can be recognised. */
  readonly stableId: string;
  readonly traceparent: string | undefined;
  /** Asked again at the last moment before the message leaves. */
  readonly isLeased: () => boolean;
  /** Aborted after `attemptMs`. */
  readonly signal: AbortSignal;
}

export interface Channel extends AsyncDisposable {
  readonly name: ChannelName;
  /** No attempt takes longer. */
  readonly attemptMs: number;
  /** Messages of one lane may be slow together without slowing the others. */
  readonly laneOf: (address: string) => string;
  /** Resolves when the provider has taken the message; rejects with DeliveryError. */
  readonly send: (outgoing: Outgoing) => Promise<void>;
}
