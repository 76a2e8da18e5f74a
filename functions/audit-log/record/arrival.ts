/** What each record of a batch is: a new entry, a redelivery, or a second record of a known identity. */
import type { Event, Position } from "../../../lib/events/event.ts";
import { contentDigest, identityKey } from "../../../lib/events/identity.ts";

export interface Arrival {
  readonly event: Event;
  readonly key: Buffer;
  readonly content: Buffer;
}

export const toArrival = (event: Event): Arrival => ({
  event,
  key: identityKey(event),
  content: contentDigest(event),
});

/** The record that has an identity's entry. */
export interface FirstRecord {
  readonly content: Buffer;
  readonly position: Position | null;
}

/** What the database knows of an arrival. */
export interface Finding {
  readonly first: FirstRecord | undefined;
  /** Its offset is recorded in the present generation. */
  readonly isCovered: boolean;
}

export interface Duplicate {
  readonly arrival: Arrival;
  readonly differs: boolean;
}

export interface Sorted {
  readonly fresh: readonly Arrival[];
  readonly duplicates: readonly Duplicate[];
  readonly redelivered: readonly Arrival[];
}

/** In the order of arrival: the first record of an identity wins. `findings` by index. */
export function sortArrivals(arrivals: readonly Arrival[], findings: readonly Finding[]): Sorted {
  const fresh: Arrival[] = [];
  const duplicates: Duplicate[] = [];
  const redelivered: Arrival[] = [];
  const firsts = new Map<string, FirstRecord>();
  for (const [index, arrival] of arrivals.entries()) {
    const name = arrival.key.toString("latin1");
    const first = findings[index]?.first ?? firsts.get(name);
    if (first === undefined) {
      fresh.push(arrival);
      firsts.set(name, { content: arrival.content, position: arrival.event.position });
    } else {
      const differs = !first.content.equals(arrival.content);
      if (!differs && isSamePlace(first, arrival)) redelivered.push(arrival);
      else duplicates.push({ arrival, differs });
    }
  }
  return { fresh, duplicates, redelivered };
}

/**
 * Whatever the generation: where one was raised and the topic is read anew, the records that stayed where they were
 * are no duplicates.
 */
export function isSamePlace(first: FirstRecord, { event: { position } }: Arrival): boolean {
  if (position === null || first.position === null) return position === first.position;
  return (
    first.position.partition === position.partition && first.position.offset === position.offset
  );
}
