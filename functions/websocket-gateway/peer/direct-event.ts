/** Events that were POSTed to this replica: shown live to its peers, and not again when their record comes. */
import { LRUCache } from "lru-cache";
import type { Event } from "../../../lib/events/event.ts";
import { toRingEvent } from "../topic/ring-event.ts";
import type { Tail } from "../topic/tail.ts";
import type { Broadcast } from "./broadcast.ts";
import type { Peer } from "./peer.ts";

const maxRemembered = 10_000;

export class DirectEvents {
  readonly #tail: Tail;
  readonly #broadcast: Broadcast;
  /** By identity: how many peers had joined when it was shown. */
  readonly #shown = new LRUCache<string, number>({ max: maxRemembered });

  constructor(tail: Tail, broadcast: Broadcast) {
    this.#tail = tail;
    this.#broadcast = broadcast;
  }

  show(event: Event): "done" | "duplicate" {
    const { identity, userId, text } = toRingEvent(event);
    if (this.#shown.has(identity) || this.#tail.ring.find(identity) !== undefined) {
      return "duplicate";
    }
    this.#shown.set(identity, this.#broadcast.joins);
    // No place: it is in no history, and a cursor does not move over it.
    this.#broadcast.publish({ userId, text, place: null });
    return "done";
  }

  /** Who has not seen it yet; undefined where it was not POSTed. */
  unseenBy(identity: string): ((peer: Peer) => boolean) | undefined {
    const joins = this.#shown.get(identity);
    if (joins === undefined) return undefined;
    return (peer) => this.#broadcast.joinOf(peer) > joins;
  }
}
