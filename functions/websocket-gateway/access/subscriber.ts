/** Who connects, whose events they may see, and what they ask for. */
import type { IncomingHttpHeaders } from "node:http";
import { AccessError, type Caller, readableUser } from "../../../lib/host/token.ts";
import type { View } from "../peer/peer.ts";

/** What a client asks for in the URL. */
export interface Wish {
  readonly cursor: string | null;
  readonly device: string | null;
  readonly userId: string | null;
  readonly ticket: string | null;
}

/** Bad values of the query: a sentence for the client. */
export class WishError extends Error {
  override readonly name = "WishError";
  readonly statusCode = 400;
}

const deviceForm = /^[\w.~:-]{1,64}$/;

/** Throws WishError. */
export function parseWish(url: string): Wish {
  const query = new URLSearchParams(url.split("?").slice(1).join("?"));
  const device = query.get("device");
  if (device !== null && !deviceForm.test(device)) {
    throw new WishError("device must be 1 to 64 letters, digits or any of - _ . ~ :");
  }
  const userId = query.get("user_id");
  if (userId !== null && (userId === "" || userId.length > 256)) {
    throw new WishError("user_id must have 1 to 256 characters");
  }
  return { cursor: query.get("cursor"), device, userId, ticket: query.get("ticket") };
}

/** Everybody sees their own, an admin also asked-for others' and what has no user. Throws AccessError 403. */
export function viewOf(caller: Caller, asked: string | null): View {
  const userId = readableUser(caller, asked ?? caller.userId) ?? caller.userId;
  return { userId, hasUnowned: caller.isAdmin };
}

/** Echoed; the only one. */
export const subprotocol = "task-events.v1";
const bearerPrefix = "bearer.";

/** The token of a handshake: from the header, or as a subprotocol, as browsers can set nothing else. */
export function handshakeToken(headers: IncomingHttpHeaders): string {
  const { authorization } = headers;
  const header = /^Bearer +([\w\-.~+/]+=*)$/i.exec(authorization ?? "")?.[1];
  if (header !== undefined) return header;
  const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
  const bearer = offered.find((name) => name.startsWith(bearerPrefix));
  if (bearer === undefined) throw new AccessError(401, "a bearer token is needed");
  return bearer.slice(bearerPrefix.length);
}
