/** What of an event goes to peers. */
import { hash } from "node:crypto";
import type { Event } from "../../../lib/events/event.ts";
import { toStructured } from "../../../lib/events/structured.ts";
import type { RingEvent } from "./ring.ts";

/** A blank cannot be part of a source (RFC 3986), so no two names become one. */
export const identityOf = (source: string, id: string): string => `${source} ${id}`;

export const toRingEvent = (event: Event): RingEvent => ({
  identity: identityOf(event.source, event.id),
  userId: event.userId,
  text: Buffer.from(toStructured(event), "utf8"),
  digest: hash("sha1", Buffer.concat([Buffer.from(`${event.type} `), event.bytes]), "base64"),
});
