/** One connected client, whatever its transport. */
import type { Encoding } from "./frame.ts";
import type { Outbox } from "./outbox.ts";

/** Whose events are seen. */
export interface View {
  readonly userId: string;
  /** The events without a user too: an admin. */
  readonly hasUnowned: boolean;
}

/** RFC 6455 and, from 4000 on, our own: documented in the README. */
export const closeCode = {
  unsupportedData: 1003,
  notText: 1007,
  restart: 1012,
  unauthorized: 4001,
  forbidden: 4003,
  tooSlow: 4008,
  replaced: 4009,
  tooMany: 4029,
  expired: 4401,
} as const;

export type CloseCode = (typeof closeCode)[keyof typeof closeCode];

export interface Peer {
  readonly id: string;
  readonly transport: "websocket" | "sse";
  readonly view: View;
  /** Claim `sub`: whose limits it counts against. */
  readonly callerId: string;
  readonly device: string | null;
  readonly connectedAt: Date;
  readonly encoding: Encoding;
  readonly outbox: Outbox;
  /** Aborted when the connection has ended. */
  readonly closed: AbortSignal;
  readonly close: (code: CloseCode, reason: string) => void;
  /** Asks the client whether it is there; ends the connection where it was not since the last time. */
  readonly beat: () => void;
}
