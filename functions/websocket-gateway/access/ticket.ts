/** A ticket opens one event stream without a token in the URL: EventSource can send no headers. */
import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import { AccessError, type Caller } from "../../../lib/host/token.ts";
import type { StateStore } from "../state/state-store.ts";
import { type CursorCodec, derive } from "./cursor.ts";

export interface Ticket {
  readonly id: string;
  readonly caller: Caller;
}

export interface Tickets {
  issue(caller: Caller): Promise<string>;
  /** Throws AccessError 401; RetryableError where it cannot be known whether it was used. */
  redeem(ticket: string, lastEventProof: string | null): Promise<Ticket>;
}

export interface TicketOptions {
  /** The first signs, all verify: good at every replica. */
  readonly keys: readonly string[];
  readonly codec: CursorCodec;
  readonly state: StateStore;
  readonly now: () => number;
}

const audience = "sse";
const lifetimeSeconds = 30;

export function openTickets({ keys, codec, state, now }: TicketOptions): Tickets {
  const secrets = keys.map((key) => derive(key, "ticket"));
  const [signing] = secrets;
  if (signing === undefined) throw new Error("no cursor key");
  return {
    async issue(caller) {
      const { SignJWT } = await import("jose");
      return new SignJWT({
        scope: [...caller.scopes].join(" "),
        use_by: now() / 1000 + lifetimeSeconds,
      })
        .setProtectedHeader({ alg: "HS256" })
        .setAudience(audience)
        .setSubject(caller.userId)
        .setJti(randomUUID())
        .setExpirationTime(caller.expiresAt)
        .sign(signing);
    },
    async redeem(text, lastEventProof) {
      const payload = await verify(text, secrets, now());
      const ticket = toTicket(payload);
      // A reconnect of the stream that the ticket has opened: only who was on it has such an id.
      if (lastEventProof !== null && codec.isProofOf(lastEventProof, ticket.id)) return ticket;
      const useBy = Number(payload["use_by"]) * 1000;
      if (!(now() <= useBy)) throw refused();
      if (!(await state.mark(`ticket-${ticket.id}`, 2 * lifetimeSeconds))) throw refused();
      return ticket;
    },
  };
}

async function verify(text: string, secrets: readonly Buffer[], nowMs: number) {
  const { jwtVerify } = await import("jose");
  for (const secret of secrets) {
    try {
      const currentDate = new Date(nowMs);
      const options = { algorithms: ["HS256"], audience, currentDate };
      return (await jwtVerify(text, secret, options)).payload;
    } catch {
      // Another key may have signed it.
    }
  }
  throw refused();
}

function toTicket({ jti, sub, scope, exp }: JWTPayload): Ticket {
  if (jti === undefined || sub === undefined || exp === undefined) throw refused();
  const scopes = new Set(typeof scope === "string" ? scope.split(" ").filter(Boolean) : []);
  const expiresAt = new Date(exp * 1000);
  return { id: jti, caller: { userId: sub, isAdmin: scopes.has("admin"), scopes, expiresAt } };
}

const refused = (): AccessError => new AccessError(401, "the ticket is wrong, used or expired");
