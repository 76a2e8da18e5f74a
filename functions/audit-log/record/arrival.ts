/** What each record of a batch is: a new entry, a redelivery, or a second record of a known identity. */
import type { Event, Position } from "../../../lib/events/event.ts";
import { contentDigest, entryKey } from "./identity.ts";

export interface Arrival {
  readonly event: Event;
  readonly key: Buffer;
  readonly content: Buffer;
}

export const toArrival = (event: Event): Arrival => ({
  event,
  key: entryKey(event),
  content: contentDigest(event),
});

/** The record that has an identity's entry. */
export interface FirstRecord {
  readonly content: Buffer;
  readonly generation: string | null;
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
export function sortArrivals(
  arrivals: readonly Arrival[],
  findings: readonly Finding[],
  generation: string,
): Sorted {
  const fresh: Arrival[] = [];
  const duplicates: Duplicate[] = [];
  const redelivered: Arrival[] = [];
  const firsts = new Map<string, FirstRecord>();
  for (const [index, arrival] of arrivals.entries()) {
    const name = arrival.key.toString("latin1");
    const first = findings[index]?.first ?? firsts.get(name);
    if (first === undefined) {
      fresh.push(arrival);
      firsts.set(name, toFirst(arrival, generation));
    } else {
      const differs = !first.content.equals(arrival.content);
      if (!differs && isSamePlace(first, arrival, generation)) redelivered.push(arrival);
      else duplicates.push({ arrival, differs });
    }
  }
  return { fresh, duplicates, redelivered };
}

const toFirst = ({ event, content }: Arrival, generation: string): FirstRecord => ({
  content,
  generation: event.position === null ? null : generation,
  position: event.position,
});

export function isSamePlace(first: FirstRecord, { event }: Arrival, generation: string): boolean {
  const { position } = event;
  if (position === null || first.position === null) return position === first.position;
  return (
    first.generation === generation &&
    first.position.partition === position.partition &&
    first.position.offset === position.offset
  );
}
