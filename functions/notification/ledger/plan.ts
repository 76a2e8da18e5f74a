/** Which notifications an event makes for its user: pure. */
import { addressOf, type Recipient } from "../recipient.ts";
import type { ChannelName } from "./table.ts";

export interface Planned {
  readonly channel: ChannelName;
  readonly state: "pending" | "suppressed";
  readonly reason: "no_address" | "preference" | null;
}

const byDefault: readonly ChannelName[] = ["email"];

/** One a channel. A user who wants none has one suppressed notification, so that the ledger says why nothing came. */
export function plan(eventType: string, recipient: Recipient | undefined): readonly Planned[] {
  const wanted = recipient?.channels[eventType] ?? byDefault;
  if (wanted.length === 0) {
    return byDefault.map((channel) => ({ channel, state: "suppressed", reason: "preference" }));
  }
  return wanted.map((channel) =>
    addressOf(recipient, channel) === null
      ? { channel, state: "suppressed", reason: "no_address" }
      : { channel, state: "pending", reason: null },
  );
}
